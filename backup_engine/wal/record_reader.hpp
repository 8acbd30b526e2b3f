// Walks the records of the WAL that a repository holds, along a path of timelines, as PostgreSQL's own recovery would:
// every record's CRC and its link to the one before are checked, and what is no record any more is the end of WAL.
// Page layout: src/include/access/xlog_internal.h of PostgreSQL 15 to 18.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/wal/timeline_path.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "backup_engine/wal/wal_record.hpp"

namespace backup_engine::wal {

class RecordReader {
 public:
  // `archive` outlives this. Keeps one segment in memory.
  RecordReader(const WalArchive& archive, TimelinePath path, int major);

  // A record begins at `start`: a backup's start LSN.
  void begin_at(postgres::Lsn start);
  // At the first record that begins in the segment of `position`, or behind it when none does.
  void begin_in_segment_of(postgres::Lsn position);

  // nullopt at the end of WAL, for good. Throws Error(corrupt) for objects of the repository that are damaged.
  [[nodiscard]] std::optional<WalRecord> next();

  // Once next() said nullopt: behind the last whole record, and why WAL ends there.
  [[nodiscard]] postgres::Lsn end() const { return next_; }
  [[nodiscard]] const std::string& why_it_ends() const { return why_it_ends_; }
  // Whether it ends there because no more of it is held, and not because no record follows in what is.
  [[nodiscard]] bool held_ends() const { return held_ends_; }
  // The first page that was not taken to hold what was read.
  [[nodiscard]] postgres::Lsn unread() const { return unread_; }
  // Whether a page of this WAL, of the right place, lies from there on in the same segment.
  [[nodiscard]] bool goes_on_behind();

  [[nodiscard]] int major() const { return major_; }
  [[nodiscard]] const WalArchive& archive() const { return archive_; }

 private:
  struct Page {
    postgres::Lsn start;
    std::span<const std::byte> bytes;  // as far as it is held
    std::size_t header_bytes = 0;
    std::uint32_t continued_bytes = 0;  // of the record that began on an earlier page
    bool continues = false, overwrites = false;
  };
  struct Gathered {
    postgres::Lsn start, behind;
    std::array<std::byte, record_header_bytes> header{};
    std::size_t taken_bytes = 0, total_bytes = 0;
    std::uint32_t body_crc = 0;
  };

  [[nodiscard]] std::optional<Page> page_of(postgres::Lsn position);
  [[nodiscard]] bool load_segment_of(postgres::Lsn position);
  [[nodiscard]] bool is_own_page(postgres::Lsn start, std::span<const std::byte> bytes) const;
  [[nodiscard]] std::optional<WalRecord> read_record();
  [[nodiscard]] bool begin_record(const Page& page, Gathered& record);
  [[nodiscard]] bool take(std::span<const std::byte> bytes, Gathered& record);
  [[nodiscard]] bool is_linked(const Gathered& record);
  [[nodiscard]] std::optional<WalRecord> finish(const Gathered& record);
  bool ends(std::string why);
  bool ends_with_what_is_held(std::string why);

  const WalArchive& archive_;
  const TimelinePath path_;
  const int major_;
  const std::uint64_t segment_bytes_;

  postgres::Lsn next_;
  std::optional<postgres::Lsn> previous_;  // the record before; not known of the first
  bool ended_ = false, held_ends_ = false;
  std::string why_it_ends_;

  postgres::Lsn unread_;
  std::optional<postgres::Lsn> segment_start_;  // of what is in memory
  std::vector<std::byte> segment_;
  std::vector<std::byte> body_;
};

}  // namespace backup_engine::wal
