#include "backup_engine/wal/timeline_path.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {

using postgres::Lsn;
using postgres::TimelineId;

namespace {

constexpr TimelineId first_timeline{1};

TimelineId next(TimelineId timeline) {
  return TimelineId(timeline.number() + 1);
}

}  // namespace

std::optional<std::string> probe_history(const WalArchive& archive, TimelineId timeline) {
  auto text = archive.read_history(timeline);
  if (text || timeline <= first_timeline || !archive.has_wal_of(timeline)) return text;
  text = archive.read_history(timeline);  // it is put before the WAL, which may have come meanwhile
  if (!text) throw missing_history(timeline);
  return text;
}

TimelineId wanted_timeline(const WalArchive& archive, const std::string& wanted, TimelineId from) {
  if (wanted == "current") return from;
  if (wanted == "latest") {
    auto latest = from;
    while (probe_history(archive, next(latest))) latest = next(latest);
    return latest;
  }
  const TimelineId named(static_cast<std::uint32_t>(std::stoul(wanted)));
  if (named == first_timeline || archive.read_history(named)) return named;
  throw base::Error(base::ErrorKind::not_found,
                    fmt::format("the repository holds no history of timeline {}", named.number()))
      .with_remedy("`lifeboat list` shows the timelines whose WAL it holds; the number is decimal.");
}

base::Error missing_history(TimelineId timeline) {
  return base::Error(base::ErrorKind::corrupt,
                     fmt::format("{} is missing, and WAL of timeline {} is held: without it a "
                                 "recovery would end before that timeline",
                                 history_file_name(timeline), timeline.number()))
      .with_remedy(fmt::format("push it from the pg_wal of the server, or of a standby of it: lifeboat wal push … "
                               "pg_wal/{}",
                               history_file_name(timeline)));
}

TimelinePath path_along(std::span<const postgres::TimelineSwitch> switches, TimelineId timeline) {
  TimelinePath path;
  Lsn begin;
  for (const auto& left : switches) {
    path.push_back({left.parent, begin, left.switch_lsn});
    begin = left.switch_lsn;
  }
  path.push_back({timeline, begin, std::nullopt});
  return path;
}

TimelinePath path_to(const WalArchive& archive, TimelineId timeline) {
  const auto text = archive.read_history(timeline);
  return path_along(text ? postgres::parse_history(*text) : std::vector<postgres::TimelineSwitch>(), timeline);
}

bool lies_on(const TimelinePath& path, TimelineId timeline, Lsn lsn) {
  return std::ranges::any_of(
      path, [&](const TimelineSpan& span) { return span.timeline == timeline && (!span.end || lsn <= *span.end); });
}

Lsn held_until(std::span<const WalRange> ranges, const TimelinePath& path, Lsn start) {
  auto reached = start;
  for (auto span = path.begin(); span != path.end(); ++span) {
    if (span->end && *span->end < reached) continue;
    for (auto holder = span; holder != path.end(); ++holder) {
      const auto range = std::ranges::find_if(ranges, [&](const WalRange& held) {
        return held.timeline == holder->timeline && held.start <= reached && held.end > reached;
      });
      if (range != ranges.end()) reached = holder->end ? std::min(range->end, *holder->end) : range->end;
    }
    if (span->end && reached < *span->end) break;
  }
  return reached;
}

}  // namespace backup_engine::wal
