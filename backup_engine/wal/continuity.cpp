#include "backup_engine/wal/continuity.hpp"

#include <algorithm>

namespace backup_engine::wal {

using postgres::Lsn;

namespace {

bool is_on(const TimelinePath& path, postgres::TimelineId timeline, Lsn lsn) {
  return std::ranges::any_of(
      path, [&](const TimelineSpan& span) { return span.timeline == timeline && (!span.end || lsn < *span.end); });
}

// The newest on the path that has begun where `lsn` is.
postgres::TimelineId timeline_at(const TimelinePath& path, Lsn lsn) {
  auto timeline = path.front().timeline;
  for (const auto& span : path) {
    if (span.begin <= lsn) timeline = span.timeline;
  }
  return timeline;
}

}  // namespace

std::optional<WalGap> first_hole(std::span<const WalRange> ranges, std::span<const WalGap> gaps,
                                 const TimelinePath& path, Lsn start) {
  const auto end = held_until(ranges, path, start);
  std::optional<Lsn> again;
  const auto consider = [&](Lsn from) {
    if (!again || from < *again) again = from;
  };
  for (const auto& range : ranges) {
    if (range.start > end && is_on(path, range.timeline, range.start)) consider(range.start);
  }
  for (const auto& gap : gaps) {
    if (gap.from <= end && end < gap.to && is_on(path, gap.timeline, end)) consider(gap.to);
  }
  if (!again) return std::nullopt;
  return WalGap{timeline_at(path, end), end, *again};
}

}  // namespace backup_engine::wal
