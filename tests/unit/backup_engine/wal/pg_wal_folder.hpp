// A pg_wal as PostgreSQL leaves it for its archive_command, without a server: segments with a sound header, and marks
// of what is ready.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/store/little_endian.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {

// What a header says that is wrong or of another timeline; 0: what is right.
struct HeaderFields {
  std::uint64_t system_identifier = 42, segment_size = 0;
  std::uint16_t magic = 0xD110;
  postgres::TimelineId timeline{};
};

inline std::vector<std::byte> segment_bytes(const postgres::WalSegment& segment, postgres::SegmentSize size,
                                            const HeaderFields& fields = {}, unsigned salt = 0) {
  const auto start = start_of(segment, size);
  auto bytes = wal_bytes(start, start + size.bytes(), salt);
  const auto timeline = fields.timeline.number() != 0 ? fields.timeline : segment.timeline;
  store::put_little_endian(&bytes[0], fields.magic);
  store::put_little_endian(&bytes[2], std::uint16_t{2});
  store::put_little_endian(&bytes[4], timeline.number());
  store::put_little_endian(&bytes[8], start.position_bytes());
  store::put_little_endian(&bytes[24], fields.system_identifier);
  store::put_little_endian(&bytes[32],
                           static_cast<std::uint32_t>(fields.segment_size != 0 ? fields.segment_size : size.bytes()));
  constexpr std::size_t page_bytes = 8192;
  const auto last = bytes.size() - page_bytes;
  store::put_little_endian(&bytes[last], fields.magic);
  store::put_little_endian(&bytes[last + 8], (start + last).position_bytes());
  return bytes;
}

class PgWalFolder {
 public:
  PgWalFolder() { std::filesystem::create_directory(path() / "archive_status"); }
  [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }

  std::string put(const std::string& name, std::string_view text) const {
    std::ofstream(path() / name, std::ios::binary) << text;
    return name;
  }
  std::string put(const std::string& name, const std::vector<std::byte>& bytes) const {
    return put(name, std::string_view(text_of(bytes)));
  }
  void mark_ready(const std::string& name) const { std::ofstream(path() / "archive_status" / (name + ".ready")); }

 private:
  base::TemporaryDirectory directory_{
      std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path(),
      "lifeboat-pg-wal"};
};

}  // namespace backup_engine::wal
