#include "backup_engine/wal/unfinished_segment.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/little_endian.hpp"

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

// Every page has a header, also behind a switch of segments; what was recycled says where it lay before.
bool ends_with_its_own_page(ByteSource& bytes, const postgres::WalSegment& segment,
                            const store::ClusterIdentity& cluster) {
  const auto at = bytes.size_bytes() - page_bytes;
  const auto head = bytes.piece(at, page_head_bytes);
  return get_little_endian<std::uint16_t>(head.data()) == page_magic(cluster.postgres_major) &&
         get_little_endian<std::uint64_t>(head.data() + 8) ==
             (start_of(segment, cluster.wal_segment_size) + at).position_bytes();
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
      is_last_of_its_timeline(segment, cluster, find_history, folder)) {
    return;
  }
  throw base::Error(
      base::ErrorKind::mismatch,
      fmt::format("{} is not whole yet: a standby has it, and its last page was not written", file.string()))
      .with_remedy(
          "nothing of it was kept; PostgreSQL pushes it again, and once the standby has all of it that is taken");
}

}  // namespace backup_engine::wal
