#include "tests/pg/verify/restamp.hpp"

#include <array>
#include <cstring>
#include <fstream>
#include <span>
#include <stdexcept>
#include <vector>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/wal_segment.hpp"

namespace harness::verify {

namespace pg = backup_engine::postgres;

namespace {

constexpr std::uint64_t page_bytes = 8192;
// XLogRecord (access/xlogrecord.h), then one byte of block id (a short main data header) and one of length.
constexpr std::size_t header_bytes = 24, crc_offset = 20, time_offset = header_bytes + 2;
constexpr std::byte short_data{255};
constexpr std::chrono::seconds postgres_epoch{946'684'800};  // 2000-01-01, since 1970

template <typename T>
T read(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <typename T>
void write(std::span<std::byte> bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

// Of what follows the header, then of the header up to it.
std::uint32_t crc_of(std::span<const std::byte> record) {
  using backup_engine::base::crc32c;
  return crc32c(record.first(crc_offset), crc32c(record.subspan(header_bytes)));
}

}  // namespace

bool lies_on_one_page(const reports::record::CommitRecord& record) {
  const auto first = pg::parse_lsn(record.lsn).value().position_bytes();
  const auto last = pg::parse_lsn(record.end_lsn).value().position_bytes() - 1;
  return first / page_bytes == last / page_bytes;
}

void restamp(const std::filesystem::path& archive, const reports::record::CommitRecord& record,
             const std::string& time) {
  const auto lsn = pg::parse_lsn(record.lsn).value();
  const pg::SegmentSize size;
  const auto path = archive / pg::file_name(pg::segment_holding(pg::TimelineId(record.timeline), lsn, size), size);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto offset = static_cast<std::streamoff>(lsn.position_bytes() % size.bytes());
  std::vector<std::byte> bytes(pg::parse_lsn(record.end_lsn).value() - lsn);
  const auto as_chars = [&] { return reinterpret_cast<char*>(bytes.data()); };
  file.seekg(offset).read(as_chars(), static_cast<std::streamsize>(bytes.size()));
  const std::span<std::byte> all(bytes);
  const auto whole = all.first(read<std::uint32_t>(bytes, 0));
  if (!file || whole[header_bytes] != short_data || crc_of(whole) != read<std::uint32_t>(whole, crc_offset)) {
    throw std::runtime_error("no plain record lies at " + record.lsn);
  }
  const auto stamp = backup_engine::base::parse_rfc3339(time).value() - postgres_epoch;
  write<std::int64_t>(whole, time_offset, stamp.time_since_epoch().count());
  write<std::uint32_t>(whole, crc_offset, crc_of(whole));
  file.seekp(offset).write(as_chars(), static_cast<std::streamsize>(bytes.size())).flush();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace harness::verify
