#include "backup_engine/wal/wal_ranges.hpp"

#include <algorithm>

#include "backup_engine/store/wal_objects.hpp"

namespace backup_engine::wal {

std::vector<WalRange> durable_ranges(store::Storage& storage, const std::string& cluster, postgres::SegmentSize size) {
  return store::continuous_ranges(store::list_wal(storage, cluster, size), size);
}

std::optional<postgres::Lsn> durable_end(std::span<const WalRange> ranges, postgres::TimelineId timeline) {
  std::optional<postgres::Lsn> end;
  for (const auto& range : ranges) {
    if (range.timeline == timeline && (!end || range.end > *end)) end = range.end;
  }
  return end;
}

bool holds(std::span<const WalRange> ranges, postgres::TimelineId timeline, postgres::Lsn start, postgres::Lsn stop) {
  return std::ranges::any_of(ranges, [&](const WalRange& range) {
    return range.timeline == timeline && range.start <= start && range.end >= stop;
  });
}

}  // namespace backup_engine::wal
