#include "backup_engine/wal/unfinished_segment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/little_endian.hpp"
#include "backup_engine/wal/wal_record.hpp"

namespace backup_engine::wal {

namespace fs = std::filesystem;
using store::get_little_endian;

namespace {

constexpr std::uint64_t page_bytes = 8192;  // XLOG_BLCKSZ
constexpr std::size_t page_head_bytes = 16;

bool is_in_recovery(const fs::path& data_directory) {
  std::error_code ignored;
  return fs::exists(data_directory / "standby.signal", ignored) ||
         fs::exists(data_directory / "recovery.signal", ignored);
}

// What was recycled says where it lay before.
bool ends_with_its_own_page(ByteSource& bytes, const postgres::WalSegment& segment,
                            const store::ClusterIdentity& cluster) {
  const auto at = bytes.size_bytes() - page_bytes;
  const auto head = bytes.piece(at, page_head_bytes);
  return get_little_endian<std::uint16_t>(head.data()) == page_magic(cluster.postgres_major) &&
         get_little_endian<std::uint64_t>(head.data() + 8) ==
             (start_of(segment, cluster.wal_segment_size) + at).position_bytes();
}

// Where the last byte that is not zero lies, and one behind it.
std::uint64_t end_of_content(ByteSource& bytes) {
  constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20U;
  for (auto end = bytes.size_bytes(); end > 0;) {
    const auto count = std::min(piece_bytes, end);
    const auto piece = bytes.piece(end - count, count);
    const auto last = std::find_if(piece.rbegin(), piece.rend(), [](std::byte byte) { return byte != std::byte{0}; });
    if (last != piece.rend()) return end - static_cast<std::uint64_t>(last - piece.rbegin());
    end -= count;
  }
  return 0;
}

// The header of a record that has nothing else and ends at `end`; it may go over from one page to the next.
std::optional<std::array<std::byte, record_header_bytes>> record_before(ByteSource& bytes, std::uint64_t end) {
  constexpr std::size_t long_header_bytes = 40, short_header_bytes = 24;
  std::array<std::byte, record_header_bytes> record{};
  for (auto missing = record.size(); missing > 0;) {
    if (end == 0) return std::nullopt;
    const auto page = (end - 1) / page_bytes * page_bytes;
    const auto content = page + (page == 0 ? long_header_bytes : short_header_bytes);
    if (end <= content) return std::nullopt;
    const auto count = std::min<std::uint64_t>(missing, end - content);
    missing -= count;
    std::ranges::copy(bytes.piece(end - count, count), record.begin() + static_cast<std::ptrdiff_t>(missing));
    end = page;
  }
  return record;
}

// Behind a switch of segments (archive_timeout, pg_switch_wal()) the rest of one is zeros.
bool ends_with_a_switch(ByteSource& bytes) {
  constexpr std::size_t info_at = 16, manager_at = 17, crc_at = 20;
  const auto end = (end_of_content(bytes) + 7) & ~std::uint64_t{7};
  const auto header = record_before(bytes, end);
  if (!header) return false;
  WalRecord record;
  record.info = static_cast<std::uint8_t>((*header)[info_at]);
  record.manager = static_cast<std::uint8_t>((*header)[manager_at]);
  return is_segment_switch(record) && get_little_endian<std::uint32_t>(header->data()) == record_header_bytes &&
         get_little_endian<std::uint32_t>(header->data() + crc_at) == base::crc32c(std::span(*header).first(crc_at));
}

// A standby has the histories of the timelines that it follows beside its WAL.
bool is_last_of_its_timeline(const postgres::WalSegment& segment, const store::ClusterIdentity& cluster,
                             const FindHistory& find_history, const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const auto timeline = postgres::parse_history_file_name(entry->path().filename().string());
    const auto history = timeline ? find_history(*timeline) : std::nullopt;
    const bool left_here = history && std::ranges::any_of(*history, [&](const postgres::TimelineSwitch& left) {
                             return segment_holding(left.parent, left.switch_lsn, cluster.wal_segment_size) == segment;
                           });
    if (left_here) return true;
  }
  return false;
}

}  // namespace

void require_finished(ByteSource& bytes, const postgres::WalSegment& segment, const store::ClusterIdentity& cluster,
                      const FindHistory& find_history, const fs::path& file) {
  const auto folder = file.parent_path();
  const auto above = folder.parent_path();
  if (!is_in_recovery(above.empty() ? fs::path(".") : above) || ends_with_its_own_page(bytes, segment, cluster) ||
      ends_with_a_switch(bytes) || is_last_of_its_timeline(segment, cluster, find_history, folder)) {
    return;
  }
  throw base::Error(
      base::ErrorKind::mismatch,
      fmt::format("{} is not whole yet: a standby has it, and its last page was not written", file.string()))
      .with_remedy(
          "nothing of it was kept; PostgreSQL pushes it again, and once the standby has all of it that is taken");
}

}  // namespace backup_engine::wal
