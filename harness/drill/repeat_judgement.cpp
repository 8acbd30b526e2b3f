#include "harness/drill/repeat_judgement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "harness/measure/extrapolation.hpp"
#include "harness/measure/spread.hpp"

namespace harness::drill {

namespace record = reports::record;
using backup_engine::postgres::parse_lsn;

namespace {

// WAL may arrive in the repository of a living cluster between two restores to its end: an earlier one may then end
// earlier, but behind every record that was held when the drill began.
bool ended_with_all_that_was_held(const std::string& reached, const record::CommitOrderEvidence& order) {
  const auto end = parse_lsn(reached), last = parse_lsn(order.reached_lsn), held = parse_lsn(order.acknowledged_lsn);
  if (!end || !last || !held || *end > *last) return false;
  return std::none_of(order.records.begin(), order.records.end(), [&](const record::CommitRecord& commit) {
    const auto starts = parse_lsn(commit.lsn), ends = parse_lsn(commit.end_lsn);
    return starts && ends && *starts >= *end && *ends <= *held;
  });
}

// The same position is the same prefix of the WAL, so what the last was found to be, this one is.
record::Exactness exactness_of(const record::RestoreRecord& repeat, const record::RestoreRecord& last,
                               const Judged& judged) {
  record::Exactness exact;
  const auto& order = judged.evidence.commit_order;
  if (!order || repeat.reached.lsn.empty()) return exact;
  exact.witness = last.exact.witness;
  const bool grows = judged.scenario.source.stored && repeat.target.type == "end_of_wal";
  const bool same =
      repeat.reached.lsn == order->reached_lsn || (grows && ended_with_all_that_was_held(repeat.reached.lsn, *order));
  if (same) {
    exact.met = last.exact.met;
  } else {
    exact.met = false;
  }
  return exact;
}

std::vector<const record::RestoreRecord*> measured(const record::Report& report) {
  std::vector<const record::RestoreRecord*> restores;
  for (const auto& restore : report.restores) {
    if (restore.outcome == "recovered" && restore.repeat) restores.push_back(&restore);
  }
  if (restores.empty() && report.restores.back().outcome == "recovered") restores.push_back(&report.restores.back());
  return restores;
}

std::vector<std::string> notes_on(const std::vector<const record::RestoreRecord*>& restores, bool stored) {
  std::vector<std::string> notes;
  if (restores.size() < 2) return {"One restore was measured: nothing is known of how its times vary."};
  if (restores.size() < measure::least_samples_for_percentile) {
    notes.push_back(fmt::format("The 95th percentile of {} samples is their maximum; it takes {} for it to be another.",
                                restores.size(), measure::least_samples_for_percentile));
  }
  if (!stored) {
    notes.emplace_back(
        "What passed before the restores (detect, and bringing the source to its end) was measured once "
        "and counts in each.");
  }
  std::set<std::string> labels;
  for (const auto* const restore : restores) labels.insert(restore->backup_label);
  if (labels.size() > 1) {
    notes.push_back(fmt::format("The repeats restored different backups: {}.", fmt::join(labels, ", ")));
  }
  return notes;
}

}  // namespace

void judge_repeats(record::Report& report, const Judged& judged) {
  report.statistics.reset();
  const auto& last = report.restores.back();
  for (auto& restore : report.restores) {
    if (restore.repeat && &restore != &last) restore.exact = exactness_of(restore, last, judged);
  }
  const auto restores = measured(report);
  const auto& sizes = judged.scenario.extrapolate_to_bytes;
  if (restores.empty() || (restores.size() == 1 && sizes.empty())) return;
  auto& statistics = report.statistics.emplace();
  std::vector<record::Rto> times;
  std::vector<measure::MeasuredRestore> volumes;
  for (const auto* const restore : restores) {
    times.push_back(restore->rto);
    if (const auto volume = measure::measured_restore(*restore)) volumes.push_back(*volume);
  }
  statistics.repeats = static_cast<unsigned>(restores.size());
  statistics.phases = measure::spread_of_phases(times);
  statistics.milestones = measure::spread_of_milestones(times);
  statistics.restored_bytes_per_second = measure::restore_rate(volumes);
  statistics.replayed_wal_bytes_per_second = measure::replay_rate(volumes);
  for (const auto size : sizes) statistics.extrapolations.push_back(measure::extrapolate(volumes, size));
  statistics.notes = notes_on(restores, judged.scenario.source.stored.has_value());
}

}  // namespace harness::drill
