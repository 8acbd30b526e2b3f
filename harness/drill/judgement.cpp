#include "harness/drill/judgement.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "harness/drill/drill_directory.hpp"
#include "harness/drill/publication.hpp"
#include "harness/measure/exactness.hpp"
#include "harness/measure/rpo.hpp"
#include "harness/measure/rto.hpp"
#include "harness/verify/judge.hpp"
#include "reports/record/journal.hpp"
#include "reports/record/summary.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;

namespace {

base::UtcTime time_of(const std::string& text, const char* what) {
  const auto time = base::parse_rfc3339(text);
  if (!time) throw base::Error(base::ErrorKind::corrupt, fmt::format("{} is no RFC 3339 time: '{}'", what, text));
  return *time;
}

std::optional<double> seconds(const std::optional<scenario::Seconds>& objective) {
  return objective ? std::optional(objective->count()) : std::nullopt;
}

std::optional<base::UtcTime> end_of(const std::vector<record::Phase>& phases, std::string_view name) {
  const auto phase = std::find_if(phases.begin(), phases.end(), [&](const auto& p) { return p.name == name; });
  if (phase == phases.end()) return std::nullopt;
  return time_of(phase->started_at, "a phase's start") +
         std::chrono::duration_cast<base::UtcTime::duration>(std::chrono::duration<double>(phase->seconds));
}

record::Rto judge_rto(const record::RestoreRecord& restore, const scenario::Objectives& objectives) {
  const auto& phases = restore.rto.phases;
  if (phases.empty()) return restore.rto;
  const measure::RtoInstants instants{time_of(phases.front().started_at, "the clock's start"),
                                      end_of(phases, "restore"), end_of(phases, "readable"), end_of(phases, "writable"),
                                      end_of(phases, "verified")};
  return measure::measure_rto(instants, phases, seconds(objectives.rto));
}

// What was reached, as PostgreSQL says; time and xid are those of the last commit before it, in the witness's WAL.
record::RestoreRecord::Reached judge_reached(const record::CommitOrderEvidence& order) {
  record::RestoreRecord::Reached reached;
  reached.lsn = order.reached_lsn;
  const auto end = backup_engine::postgres::parse_lsn(order.reached_lsn);
  if (!end) return reached;
  for (const auto& commit : order.records) {
    const auto at = backup_engine::postgres::parse_lsn(commit.lsn);
    if (!at || *at >= *end || !commit.committed) continue;
    reached.time = commit.time;
    reached.xid = std::to_string(commit.xid);
  }
  return reached;
}

// A restore to the backup's own point has a target of its own: what was acknowledged past it is discarded, not lost.
std::optional<measure::TargetPoint> target_point(const std::optional<std::string>& target_lsn,
                                                 const record::RestoreRecord& restore) {
  const auto time = base::parse_rfc3339(restore.reached.time);
  if (!target_lsn || !time) return std::nullopt;
  return measure::TargetPoint{time->time_since_epoch().count(), *target_lsn};
}

void judge_loss(record::Report& report, const Judged& judged) {
  auto& restore = report.restores.back();
  const auto& order = judged.evidence.commit_order;
  // Judging again must not keep what the evidence no longer says.
  restore.rpo = {};
  restore.exact = {};
  restore.reached = order ? judge_reached(*order) : record::RestoreRecord::Reached{};
  const bool immediate = judged.scenario.restore.target.kind == scenario::TargetKind::immediate;
  const auto target_lsn =
      immediate && !report.backups.empty() ? std::optional(report.backups.back().stop_lsn) : std::nullopt;
  restore.rpo.objective_seconds = seconds(judged.scenario.objectives.rpo);
  // Without the witness nothing says which commits lie before a backup's stop.
  const bool comparable = order || !immediate;
  if (judged.evidence.ledger && comparable && !report.disasters.empty()) {
    const auto struck = time_of(report.disasters.back().at, "the disaster");
    const measure::RpoQuestion question{struck.time_since_epoch().count(), target_point(target_lsn, restore),
                                        restore.rpo.objective_seconds};
    restore.rpo =
        measure::measure_rpo(question, judged.ledger, *judged.evidence.ledger, order ? &order->records : nullptr);
  }
  if (!order) return;
  restore.exact = measure::measure_exactness(*order, judged.ledger, target_lsn);
}

}  // namespace

namespace {

// A check's time is mostly its probe's.
void add_probe_seconds(std::vector<record::Check>& checks, const std::map<std::string, double>& seconds_of_probe) {
  for (auto& check : checks) {
    auto probe = check.name.substr(0, check.name.find(' '));
    if (probe == "verifybackup") probe = "verify_backup";
    if (probe == "settings") probe = "catalog";
    const auto found = seconds_of_probe.find(probe);
    if (found != seconds_of_probe.end()) check.seconds += found->second;
  }
}

}  // namespace

void judge(record::Report& report, const Judged& judged) {
  const verify::Records records{judged.evidence, judged.marks, judged.ledger};
  auto judgement = verify::judge(judged.scenario.verify, records);
  report.checks = std::move(judgement.checks);
  add_probe_seconds(report.checks, judged.evidence.seconds);
  report.not_tested = std::move(judgement.not_tested);
  const auto unread = judged.evidence.missing.find("commit_order");
  if (unread != judged.evidence.missing.end()) report.not_tested.push_back("exactness: " + unread->second);
  report.not_tested.emplace_back(
      "isolation: settings keep the restored servers to themselves, no network namespace does; what their functions "
      "and "
      "foreign servers could reach was not looked at");
  if (report.restores.empty()) return;
  auto& restore = report.restores.back();
  restore.rto = judge_rto(restore, judged.scenario.objectives);
  judge_loss(report, judged);
}

namespace {

// A file that the drill wrote and that is gone is damage, not something that was never there.
record::Evidence whole_evidence(const std::filesystem::path& drill_directory) {
  try {
    return record::read_evidence(drill_directory);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found) throw;
    throw base::Error(base::ErrorKind::corrupt, fmt::format("the evidence is not whole: {}", error.what()))
        .with_remedy("judge the drill directory as the drill left it");
  }
}

}  // namespace

record::Report judge_again(const std::filesystem::path& drill_directory, const std::filesystem::path& fixtures,
                           const std::filesystem::path& out) {
  const auto directory = DrillDirectory::open(drill_directory);
  auto report = record::read_report(directory.report());
  const auto scenario = scenario::parse_scenario(directory.scenario(report.scenario.name), fixtures);
  if (scenario.digest != report.scenario.digest) {
    throw base::Error(base::ErrorKind::corrupt,
                      fmt::format("{} is not the scenario that was drilled", scenario.file.string()))
        .with_remedy("put the drill's own copy back: what it promised cannot be changed afterwards");
  }
  std::vector<record::Mark> marks;
  for (const auto& step : scenario.timeline) {
    const auto* const mark = std::get_if<scenario::MarkStep>(&step.what);
    if (mark != nullptr && std::filesystem::exists(directory.mark(mark->name))) {
      marks.push_back(record::read_mark(directory.mark(mark->name)));
    }
  }
  const auto ledger = record::read_ledger(directory.ledger());
  const auto evidence = whole_evidence(directory.path());
  const auto broke =
      std::find_if(report.checks.begin(), report.checks.end(), [](const auto& c) { return c.name == drill_check; });
  const auto why = broke == report.checks.end() ? std::nullopt : std::optional(*broke);
  judge(report, Judged{scenario, ledger, marks, evidence});
  if (why) report.checks.push_back(*why);  // evidence that was never taken cannot be made up for
  report.verdict = record::overall_verdict(report);

  const auto target = out.empty() ? directory.path() / "judged" : std::filesystem::absolute(out);
  std::filesystem::create_directories(target);
  publish(report, record::read_journal(directory.journal()), target);
  return report;
}

}  // namespace harness::drill
