// The line of timelines that recovery follows: from the oldest ancestor to the timeline that was asked for, each up to
// where the next one branches off. Rules: docs/recovery-targets.md, "Timelines".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::wal {

struct TimelineSpan {
  postgres::TimelineId timeline;
  postgres::Lsn begin;
  std::optional<postgres::Lsn> end;  // where the next one branches off; none for the last
  bool operator==(const TimelineSpan&) const = default;
};
using TimelinePath = std::vector<TimelineSpan>;  // oldest first, never empty

// A timeline's history; nullopt where there is none. Throws Error(corrupt): missing although WAL of it is held.
[[nodiscard]] std::optional<std::string> probe_history(const WalArchive& archive, postgres::TimelineId timeline);

// The timeline that recovery_target_timeline means to a backup of timeline `from`. "current": that one; "latest": the
// histories are probed upward from it, one number after the other, and the first one missing ends it; otherwise the
// number. Throws Error: not_found for a number without a history in the archive; corrupt where the history that ends
// the search is missing though WAL of its timeline is held.
[[nodiscard]] postgres::TimelineId wanted_timeline(const WalArchive& archive, const std::string& wanted,
                                                   postgres::TimelineId from);

// `switches`: of the timeline's history, oldest first; empty where it has none.
[[nodiscard]] TimelinePath path_along(std::span<const postgres::TimelineSwitch> switches,
                                      postgres::TimelineId timeline);
// Throws Error(corrupt). A timeline without a history is its own path.
[[nodiscard]] TimelinePath path_to(const WalArchive& archive, postgres::TimelineId timeline);

// That the archive holds WAL of `timeline` and not its history: it looks as if the timeline had never been.
[[nodiscard]] base::Error missing_history(postgres::TimelineId timeline);

// Whether WAL of `timeline` up to `lsn` is on the path.
[[nodiscard]] bool lies_on(const TimelinePath& path, postgres::TimelineId timeline, postgres::Lsn lsn);

// How far the WAL held goes on along the path, without a hole, from `start`; `start` itself when it is not held. The
// first segment of a timeline repeats what it branched off, so it stands in for that where the old one's is missing.
[[nodiscard]] postgres::Lsn held_until(std::span<const WalRange> ranges, const TimelinePath& path, postgres::Lsn start);

}  // namespace backup_engine::wal
