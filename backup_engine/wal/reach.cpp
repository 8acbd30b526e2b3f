#include "backup_engine/wal/reach.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backup_engine/wal/continuity.hpp"

namespace backup_engine::wal {

using postgres::TimelineId;

namespace {

constexpr TimelineId first_timeline{1};

class Reach {
 public:
  Reach(const RepositoryFacts& facts, WalCheckResult& result) : facts_(facts), result_(result) {
    for (const auto& range : facts.ranges) timelines_.insert(range.timeline);
    for (const auto& [gap, text] : facts.gaps) {
      timelines_.insert(gap.timeline);
      gaps_.push_back(gap);
    }
    for (const auto& [timeline, switches] : facts.histories) timelines_.insert(timeline);
  }

  void describe() {
    for (const auto timeline : timelines_) describe_timeline(timeline);
    for (const auto& backup : facts_.backups) describe_backup(backup);
    find_missing_backups();
    find_missing_histories();
    find_wal_out_of_reach();
    find_what_latest_misses();
  }

 private:
  [[nodiscard]] TimelinePath path_of(TimelineId timeline) const {
    const auto history = facts_.histories.find(timeline);
    static const std::vector<postgres::TimelineSwitch> none;
    return path_along(history == facts_.histories.end() ? none : history->second, timeline);
  }
  [[nodiscard]] bool has_history(TimelineId timeline) const { return facts_.histories.contains(timeline); }

  void problem(std::string text, std::string remedy) {
    result_.findings.push_back({WalSeverity::problem, std::move(text), std::move(remedy)});
  }
  void warning(std::string text, std::string remedy) {
    result_.findings.push_back({WalSeverity::warning, std::move(text), std::move(remedy)});
  }

  void describe_timeline(TimelineId timeline) {
    TimelineWal described;
    described.timeline = timeline;
    described.has_history = has_history(timeline);
    const auto path = path_of(timeline);
    if (path.size() > 1) {
      described.parent = path[path.size() - 2].timeline;
      described.branched_at = path.back().begin;
    }
    for (const auto& range : facts_.ranges) {
      if (range.timeline == timeline) described.windows.push_back(range);
    }
    for (std::size_t i = 1; i < described.windows.size(); ++i) {
      described.holes.push_back(hole_of({timeline, described.windows[i - 1].end, described.windows[i].start}));
    }
    for (const auto& gap : gaps_) {
      const bool behind_all = described.windows.empty() || gap.from >= described.windows.back().end;
      if (gap.timeline == timeline && behind_all) described.holes.push_back(hole_of(gap));
    }
    result_.timelines.push_back(std::move(described));
  }

  [[nodiscard]] WalHole hole_of(const WalGap& gap) const {
    const auto recorded = std::ranges::find_if(facts_.gaps, [&](const auto& each) {
      return each.first.timeline == gap.timeline && each.first.from < gap.to && gap.from < each.first.to;
    });
    return {gap.timeline, gap.from, gap.to, recorded == facts_.gaps.end() ? "" : recorded->second};
  }

  void describe_backup(const BackupSummary& backup) {
    BackupReach described{backup.label, backup.timeline, backup.start_lsn, backup.stop_lsn, {}, {}};
    const auto own = held_until(facts_.ranges, path_of(backup.timeline), backup.start_lsn);
    if (own < backup.stop_lsn) {
      described.missing = hole_of({backup.timeline, own, backup.stop_lsn});
      problem(fmt::format("backup {} cannot be restored: of its own WAL, {} to {} is missing on timeline {}",
                          backup.label, to_string(own), to_string(backup.stop_lsn), backup.timeline.number()),
              "take a new backup; where that WAL is still on a server or a standby, push it");
    } else {
      for (const auto timeline : timelines_) add_reach(timeline, backup, described);
    }
    result_.backups.push_back(std::move(described));
  }

  void add_reach(TimelineId timeline, const BackupSummary& backup, BackupReach& described) const {
    const auto path = path_of(timeline);
    if (!lies_on(path, backup.timeline, backup.stop_lsn)) return;
    auto until = held_until(facts_.ranges, path, backup.start_lsn);
    if (const auto minimal = first_minimal(facts_.minimal, path, backup.start_lsn)) until = std::min(until, *minimal);
    if (until < backup.stop_lsn || (timeline != backup.timeline && until <= path.back().begin)) return;
    described.reaches.push_back({timeline, until});
  }

  void find_missing_backups() {
    for (const auto& text : facts_.unreadable) problem(text, "`lifeboat verify` says what is damaged");
    if (facts_.backups.empty()) {
      problem("there is no backup: nothing can be recovered from WAL alone", "take one with lifeboat backup");
    }
  }

  void find_missing_histories() {
    for (const auto& described : result_.timelines) {
      if (described.timeline <= first_timeline || described.has_history) continue;
      problem(fmt::format("the WAL of timeline {} cannot be reached: {} is missing", described.timeline.number(),
                          history_file_name(described.timeline)),
              fmt::format("push it from the pg_wal of the server, or of a standby of it: lifeboat wal push … pg_wal/{}",
                          history_file_name(described.timeline)));
    }
  }

  [[nodiscard]] bool is_reached(const WalRange& range) const {
    return std::ranges::any_of(result_.backups, [&](const BackupReach& backup) {
      return std::ranges::any_of(backup.reaches, [&](const WalReach& reach) {
        const auto path = path_of(reach.timeline);
        const bool on_path = std::ranges::any_of(path, [&](const TimelineSpan& span) {
          return span.timeline == range.timeline && (!span.end || range.start < *span.end);
        });
        return on_path && backup.start_lsn < range.end && reach.until > range.start;
      });
    });
  }

  // A receiver begins a timeline with the segment in which it branches off: up to there it is its parent's WAL.
  [[nodiscard]] bool is_only_its_parents(const WalRange& range) const {
    const auto path = path_of(range.timeline);
    return path.size() > 1 && range.end <= path.back().begin;
  }

  [[nodiscard]] std::vector<WalRange> divided_by_minimal() const {
    std::vector<WalRange> divided;
    for (auto range : facts_.ranges) {
      for (const auto& [timeline, record] : facts_.minimal) {
        if (timeline != range.timeline || record <= range.start || range.end <= record) continue;
        divided.push_back({range.timeline, range.start, record});
        range.start = record;
      }
      divided.push_back(range);
    }
    return divided;
  }

  // The newest WAL must be of use; older WAL that is of none may have been so by rule, or had no backup yet.
  void find_wal_out_of_reach() {
    auto own = divided_by_minimal();
    std::erase_if(own, [&](const WalRange& range) { return is_only_its_parents(range); });
    if (result_.backups.empty() || own.empty()) return;
    const auto& first = result_.backups.front();
    for (std::size_t i = 0; i < own.size(); ++i) {
      const auto& range = own[i];
      if (is_reached(range)) continue;
      const auto text = fmt::format("no backup can be recovered to any point of the WAL of timeline {} from {} to {}",
                                    range.timeline.number(), to_string(range.start), to_string(range.end));
      if (i + 1 == own.size()) {
        result_.out_of_reach = {range, hole_before(range), text + ", the newest that is held" + behind_what(range)};
        problem(result_.out_of_reach->text, "take a new backup");
      } else if (range.end > first.start_lsn || range.timeline != first.timeline) {
        warning(text + behind_what(range), "points before it and behind the next backup can be recovered");
      }
    }
  }
  [[nodiscard]] std::optional<WalHole> hole_before(const WalRange& range) const {
    for (const auto& described : result_.timelines) {
      for (const auto& hole : described.holes) {
        if (hole.timeline == range.timeline && hole.to == range.start) return hole;
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] std::string behind_what(const WalRange& range) const {
    if (std::ranges::count(facts_.minimal, std::pair(range.timeline, range.start)) != 0) {
      return "; wal_level = minimal begins there, and PostgreSQL recovers nothing past that";
    }
    const auto hole = hole_before(range);
    if (!hole) return "";
    return fmt::format("; WAL is missing from {} to {}", to_string(hole->from), to_string(hole->to));
  }

  // recovery_target_timeline = latest probes one number after the other and ends at the first one missing.
  void find_what_latest_misses() {
    if (facts_.backups.empty() || timelines_.empty()) return;
    const auto& newest = facts_.backups.back();
    auto latest = newest.timeline;
    while (has_history(TimelineId(latest.number() + 1))) latest = TimelineId(latest.number() + 1);
    if (!lies_on(path_of(latest), newest.timeline, newest.stop_lsn)) {
      warning(
          fmt::format("recovery to the latest timeline goes to timeline {}, and backup {} of timeline {} is not on the "
                      "way there: what only that timeline holds is left out",
                      latest.number(), newest.label, newest.timeline.number()),
          fmt::format("where the server did not go that way, a copy of it archived here: ask for --target-timeline {}",
                      newest.timeline.number()));
      return;
    }
    for (const auto timeline : timelines_) {
      if (timeline <= latest || !has_history(timeline)) continue;
      if (!lies_on(path_of(timeline), newest.timeline, newest.stop_lsn)) continue;
      warning(fmt::format("recovery to the latest timeline ends on timeline {}, because {} is missing; timeline {} is "
                          "held too",
                          latest.number(), history_file_name(TimelineId(latest.number() + 1)), timeline.number()),
              fmt::format("push the missing file, or ask for --target-timeline {}", timeline.number()));
      return;
    }
  }

  const RepositoryFacts& facts_;
  WalCheckResult& result_;
  std::set<TimelineId> timelines_;
  std::vector<WalGap> gaps_;
};

}  // namespace

std::optional<postgres::Lsn> first_minimal(std::span<const std::pair<TimelineId, postgres::Lsn>> minimal,
                                           const TimelinePath& path, postgres::Lsn start) {
  std::optional<postgres::Lsn> first;
  for (const auto& [timeline, record] : minimal) {
    const auto owner = std::ranges::find(path, timeline, &TimelineSpan::timeline);
    if (owner == path.end() || record < start || (owner->end && *owner->end <= record)) continue;
    first = std::min(first.value_or(record), record);
  }
  return first;
}

void describe_reach(const RepositoryFacts& facts, WalCheckResult& result) {
  Reach(facts, result).describe();
}

}  // namespace backup_engine::wal
