#include "harness/measure/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "harness/measure/exactness.hpp"
#include "harness/measure/ledger_index.hpp"
#include "harness/measure/stop_position.hpp"

namespace harness::measure {

namespace record = reports::record;
using backup_engine::postgres::Lsn;
using Point = record::Sweep::Point;

namespace {

constexpr std::size_t named_transactions = 5;  // of one point

StopPosition stop_of(const record::SweepEvidence::Point& seen, const record::CommitOrderEvidence& order,
                     const std::vector<record::BackupRecord>& backups) {
  if (seen.way == "shared" || !seen.position.empty()) {
    return {StopPosition::Kind::position, position_of(seen.position, "a point of the sweep"), {}};
  }
  const auto backup =
      std::find_if(backups.begin(), backups.end(), [&](const auto& b) { return b.label == seen.backup_label; });
  return stop_position(order, {seen.target_type, seen.target_value, seen.inclusive, ""},
                       backup == backups.end() ? nullptr : &*backup);
}

record::RestoreTarget target_of(const record::SweepEvidence::Point& seen) {
  if (seen.way == "shared") return {"prefix", seen.position, false, ""};
  return {seen.target_type, seen.target_value, seen.inclusive, seen.target_type == "immediate" ? "current" : "latest"};
}

class Measuring {
 public:
  Measuring(const record::CommitOrderEvidence& order, const std::vector<record::LedgerTransaction>& ledger,
            const std::vector<record::BackupRecord>& backups)
      : order_(order), ledger_(ledger), backups_(backups) {
    // What was found at another restore's target, and how far that one had to come, is not these points'.
    order_.at_target.reset();
    order_.acknowledged_lsn.clear();
    for (const auto& commit : order_.records) {
      if (commit.committed) commits_.emplace(commit.xid, &commit);
    }
  }

  MeasuredSweep measure(const record::SweepEvidence& evidence) {
    auto& sweep = measured_.sweep;
    sweep.from_lsn = evidence.from_lsn;
    sweep.until_lsn = evidence.until_lsn;
    sweep.shared_seconds = evidence.shared_seconds;
    sweep.own_seconds = evidence.own_seconds;
    sweep.planned = evidence.points.size();
    for (const auto& seen : evidence.points) {
      follow(seen);
      auto point = judged(seen);
      if (point.met) ++sweep.judged;
      if (point.met.value_or(false)) ++sweep.met;
      sweep.points.push_back(std::move(point));
    }
    return std::move(measured_);
  }

 private:
  void follow(const record::SweepEvidence::Point& seen) {
    for (const auto xid : seen.appeared) ++present_[xid];
    for (const auto xid : seen.vanished) {
      const auto found = present_.find(xid);
      if (found != present_.end() && --found->second == 0) present_.erase(found);
    }
  }

  Point judged(const record::SweepEvidence::Point& seen) {
    Point point;
    point.boundary = seen.boundary;
    point.way = seen.way;
    point.target = target_of(seen);
    point.backup_label = seen.backup_label;
    point.reached_lsn = seen.reached_lsn;
    point.timeline = seen.reached_timeline;
    point.seconds = seen.seconds;
    point.why = seen.why;
    const auto stop = stop_of(seen, order_, backups_);
    const bool known = stop.kind == StopPosition::Kind::position;
    if (known) note_place(point, stop.position);
    if (seen.outcome == "failed") {  // also before it was known which position the target stands for
      point.met = false;
      add_finding(point, {}, "recovery came to nothing: " + point.why);
    }
    if (!known && point.why.empty()) point.why = stop.why;
    if (known && seen.outcome == "recovered") judge_commits(point, seen, stop);
    return point;
  }

  // The last commit before it: what a person would look for.
  void note_place(Point& point, Lsn stop) const {
    point.lsn = to_string(stop);
    for (const auto& commit : order_.records) {
      if (position_of(commit.lsn, "a commit record's position") >= stop) break;
      if (!commit.committed) continue;
      point.time = commit.time;
      point.xid = std::to_string(commit.xid);
    }
  }

  void judge_commits(Point& point, const record::SweepEvidence::Point& seen, const StopPosition& stop) {
    order_.reached_lsn = seen.reached_lsn;
    order_.reached_timeline = seen.reached_timeline;
    order_.xids_present.clear();
    std::uint64_t twice = 0;
    for (const auto& [xid, count] : present_) {
      order_.xids_present.push_back(xid);
      if (count > 1) ++twice;
    }
    const auto exact = measure_exactness(order_, ledger_, stop);
    point.expected = exact.expected;
    point.missing = exact.missing;
    point.extra = exact.extra ? std::optional(*exact.extra + twice) : std::nullopt;
    point.met = exact.met ? std::optional(*exact.met && twice == 0) : std::nullopt;
    if (!point.met) point.why = "the witness WAL holds no commit of the load";
    if (point.met == false) name_what_differs(point, stop.position);
  }

  void name_what_differs(const Point& point, Lsn stop) {
    std::unordered_set<std::uint64_t> expected;
    std::size_t named = 0;
    for (const auto& transaction : ledger_) {
      const auto commit = commits_.find(static_cast<std::uint32_t>(transaction.xid));
      if (commit == commits_.end() || position_of(commit->second->lsn, "a commit record's position") >= stop) continue;
      expected.insert(transaction.xid);
      if (present_.contains(transaction.xid) || ++named > named_transactions) continue;
      add_finding(point, commit->second, fmt::format("transaction {} is missing", transaction.xid));
    }
    for (const auto& [xid, count] : present_) {
      const bool too_many = !expected.contains(xid) || count > 1;
      if (!too_many || ++named > named_transactions) continue;
      const auto commit = commits_.find(static_cast<std::uint32_t>(xid));
      const auto* const what = count > 1 ? "is there more than once" : "is there, and must not be yet";
      add_finding(point, commit == commits_.end() ? nullptr : commit->second,
                  fmt::format("transaction {} {}", xid, what), xid);
    }
    const auto reached = backup_engine::postgres::parse_lsn(point.reached_lsn);
    if (named > 0 && reached && ended_at(*reached, stop)) return;
    add_finding(point, nullptr, fmt::format("recovery ended at {} on timeline {}", point.reached_lsn, point.timeline));
  }

  void add_finding(const Point& point, const record::CommitRecord* commit, const std::string& what,
                   std::uint64_t xid = 0) {
    auto place = point.target.type == "prefix" ? std::string("WAL up to ") + point.lsn
                                               : fmt::format("{} {}{}", point.target.type, point.target.value,
                                                             point.target.inclusive ? "" : " exclusive");
    record::Finding finding;
    finding.object = fmt::format("{} ({})", place, point.boundary);
    finding.lsn = commit != nullptr ? commit->lsn : point.lsn;
    if (commit != nullptr) finding.xid = std::to_string(commit->xid);
    if (commit == nullptr && xid != 0) finding.xid = std::to_string(xid);
    finding.time = commit != nullptr ? commit->time : point.time;
    finding.text = what;
    measured_.findings.push_back(std::move(finding));
  }

  record::CommitOrderEvidence order_;
  const std::vector<record::LedgerTransaction>& ledger_;
  const std::vector<record::BackupRecord>& backups_;
  std::unordered_map<std::uint32_t, const record::CommitRecord*> commits_;
  std::unordered_map<std::uint64_t, std::uint64_t> present_;  // xid → rows
  MeasuredSweep measured_;
};

}  // namespace

MeasuredSweep measure_sweep(const record::SweepEvidence& evidence, const record::CommitOrderEvidence& order,
                            const std::vector<record::LedgerTransaction>& ledger,
                            const std::vector<record::BackupRecord>& backups) {
  return Measuring(order, ledger, backups).measure(evidence);
}

}  // namespace harness::measure
