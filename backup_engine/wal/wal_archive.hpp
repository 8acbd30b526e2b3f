// One cluster's WAL in a repository: the objects that the receiver puts and the fetch reads. Every put is durable when
// it returns, and is a put-if-absent: the same bytes under the same name again are a success, other bytes are
// Error(mismatch) and the old object stays. Defined in docs/formats/wal.md. Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/store/names.hpp"
#include "backup_engine/store/storage.hpp"
#include "backup_engine/wal/byte_source.hpp"
#include "backup_engine/wal/wal_gap.hpp"
#include "backup_engine/wal/wal_ranges.hpp"

namespace backup_engine::wal {

// A part of a segment: WAL from `from` up to but not including `to`.
struct WalPart {
  std::string object;
  postgres::Lsn from, to;
};

// All that is held, told from one listing.
struct HeldWal {
  std::vector<WalRange> ranges;
  std::vector<WalGap> gaps;
};

class WalArchive {
 public:
  // `storage` outlives this. `compression` is that of whole segments; parts are stored as they come.
  WalArchive(store::Storage& storage, std::string cluster, postgres::SegmentSize size, Compression compression);

  [[nodiscard]] postgres::SegmentSize segment_size() const { return size_; }
  // As names tell; what another receiver was putting when it died may be visible and not yet durable.
  [[nodiscard]] std::vector<WalRange> ranges() const { return durable_ranges(storage_, cluster_, size_); }
  // Makes durable what is visible in the segment that ends at, or holds, `end`: before it is acknowledged by one who
  // found it and did not put it.
  void confirm(postgres::TimelineId timeline, postgres::Lsn end);

  // All of `bytes` lies in one segment.
  void put_part(postgres::TimelineId timeline, postgres::Lsn from, std::span<const std::byte> bytes);
  void put_segment(const postgres::WalSegment& segment, ByteSource& bytes);
  void put_segment(const postgres::WalSegment& segment, std::span<const std::byte> bytes);
  void put_history(postgres::TimelineId timeline, std::string_view text);
  // `file_name` as PostgreSQL names it; Error(usage) for no .partial or .backup file.
  void put_extra(const std::string& file_name, std::span<const std::byte> bytes);
  // `reason`: one line for people. A gap that was recorded before stays as it was.
  void put_gap(const WalGap& gap, std::string_view reason);

  // The segment's bytes, whichever codec they are stored with; nullopt when no whole segment is there. Error(corrupt).
  [[nodiscard]] std::optional<std::vector<std::byte>> read_segment(const postgres::WalSegment& segment) const;
  // The same, piece by piece and in order; false when no whole segment is there. Error(corrupt) may come after some
  // pieces.
  [[nodiscard]] bool copy_segment(const postgres::WalSegment& segment,
                                  const std::function<void(std::span<const std::byte>)>& write) const;
  [[nodiscard]] std::vector<std::byte> read_part(const std::string& object) const;
  [[nodiscard]] std::optional<std::string> read_history(postgres::TimelineId timeline) const;
  // A .partial or .backup file under PostgreSQL's own name for it.
  [[nodiscard]] std::optional<std::vector<std::byte>> read_extra(const std::string& file_name) const;

  // In order of position; overlapping where a merge was interrupted.
  [[nodiscard]] std::vector<WalPart> parts_of(const postgres::WalSegment& segment) const;
  [[nodiscard]] bool has_segment(const postgres::WalSegment& segment) const;
  // Whether any WAL of it is there, its history left aside.
  [[nodiscard]] bool has_wal_of(postgres::TimelineId timeline) const;
  // Segments whose parts can go: they are whole together, or the whole segment is there.
  [[nodiscard]] std::vector<postgres::WalSegment> unsettled_segments() const;
  [[nodiscard]] std::vector<WalGap> gaps() const;
  // Ranges and gaps at once.
  [[nodiscard]] HeldWal held() const;
  // When and why, as it was recorded.
  [[nodiscard]] std::string read_gap(const WalGap& gap) const;

  // Not being there is fine: another receiver may have removed it.
  void remove(const std::string& object);

 private:
  store::Storage& storage_;
  std::string cluster_;
  postgres::SegmentSize size_;
  Compression compression_;
};

}  // namespace backup_engine::wal
