#include "harness/drill/judgement.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "harness/drill/drill_directory.hpp"
#include "harness/drill/outcome.hpp"
#include "harness/drill/proof_judgement.hpp"
#include "harness/drill/publication.hpp"
#include "harness/drill/repeat_judgement.hpp"
#include "harness/drill/sweep_judgement.hpp"
#include "harness/measure/commit_order_check.hpp"
#include "harness/measure/exactness.hpp"
#include "harness/measure/restored_tables.hpp"
#include "harness/measure/rpo.hpp"
#include "harness/measure/rto.hpp"
#include "harness/measure/stop_position.hpp"
#include "harness/measure/transaction_exactness.hpp"
#include "harness/plan/plan.hpp"
#include "harness/verify/comparison.hpp"
#include "harness/verify/judge.hpp"
#include "harness/verify/roll_back_check.hpp"
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
         std::chrono::round<base::UtcTime::duration>(std::chrono::duration<double>(phase->seconds));
}

std::optional<double> seconds_of(const std::vector<record::Phase>& phases, const std::vector<std::string_view>& names) {
  std::optional<double> total;
  for (const auto& phase : phases) {
    if (std::find(names.begin(), names.end(), phase.name) == names.end()) continue;
    total = total.value_or(0) + phase.seconds;
  }
  return total;
}

// The phases of the programme's plans. replay and consistent lie within readable, which is what a client waits for.
record::RestoreRecord::Work judge_work(const record::RestoreRecord& restore, const record::BackupRecord* backup) {
  const auto& phases = restore.rto.phases;
  return {backup != nullptr ? std::optional(backup->seconds) : std::nullopt, seconds_of(phases, {"fetch", "restore"}),
          seconds_of(phases, {"readable", "writable"})};
}

std::optional<scenario::SizeClass> size_of(const record::RestoreRecord& restore) {
  const auto& bytes = restore.size.database_bytes;
  return bytes ? std::optional(scenario::size_class_of(*bytes)) : std::nullopt;
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

const record::BackupRecord* restored_backup(const record::Report& report, const record::RestoreRecord& restore) {
  const auto found = std::find_if(report.backups.begin(), report.backups.end(),
                                  [&](const auto& backup) { return backup.label == restore.backup_label; });
  return found == report.backups.end() ? nullptr : &*found;
}

void judge_time(record::RestoreRecord& restore, const record::Report& report, const scenario::Scenario& scenario) {
  const auto size = size_of(restore);
  restore.size.size_class = size ? scenario::to_string(*size) : "";
  restore.work = judge_work(restore, restored_backup(report, restore));
  restore.rto = judge_rto(restore, scenario::objectives_for(scenario, size));
}

// The instant that a target stands for. One that names no time: when the last of the commits it asks for was stamped,
// or, for a mark, when it was taken.
std::optional<base::UtcTime> target_time(const record::RestoreTarget& target, const measure::StopPosition& stop,
                                         const Judged& judged) {
  if (target.type == "time") return measure::parse_target_time(target.value);
  for (const auto& mark : judged.marks) {
    if (target.type == "mark" && mark.restore_point == target.value) return base::parse_rfc3339(mark.time);
  }
  std::optional<base::UtcTime> latest;
  for (const auto& commit : judged.evidence.commit_order->records) {
    const auto position = backup_engine::postgres::parse_lsn(commit.lsn);
    const auto time = base::parse_rfc3339(commit.time);
    if (!position || *position >= stop.position || !commit.committed || !time) continue;
    latest = std::max(latest.value_or(*time), *time);
  }
  return latest;
}

// What was acknowledged past a target is discarded, not lost. nullopt: nothing says which commits lie before it.
std::optional<measure::RpoQuestion> rpo_question(const record::Report& report, const measure::StopPosition& stop,
                                                 const Judged& judged) {
  const auto* const harm = harm_of(report.disasters);
  if (harm == nullptr) return std::nullopt;
  measure::RpoQuestion question;
  question.disaster_microseconds = time_of(harm->at, "the disaster").time_since_epoch().count();
  question.objective_seconds = report.restores.back().rpo.objective_seconds;
  if (stop.kind == measure::StopPosition::Kind::end_of_wal) return question;
  if (stop.kind == measure::StopPosition::Kind::unknown) return std::nullopt;
  const auto time = target_time(report.restores.back().target, stop, judged);
  if (!time) return std::nullopt;
  question.target = measure::TargetPoint{time->time_since_epoch().count(), to_string(stop.position)};
  return question;
}

// Without the witness's WAL only the end of WAL can be told: that is what is there.
measure::StopPosition stop_of(const record::Report& report, const std::optional<record::CommitOrderEvidence>& order) {
  const auto& restore = report.restores.back();
  const auto* backup = restored_backup(report, restore);
  // Which backup was taken for it only the engine says; the earliest possible end is that of the newest one.
  if (restore.target.type == "immediate" && !report.backups.empty()) backup = &report.backups.back();
  return measure::stop_position(order.value_or(record::CommitOrderEvidence{}), restore.target,
                                order || restore.target.type == "end_of_wal" ? backup : nullptr);
}

// Put into a server that lives on, or a database that the ledger is not in: no commit that came back tells anything,
// the restored tables do.
bool judged_by_tables(const Judged& judged) {
  const auto& restore = judged.scenario.restore;
  if (restore.kind != scenario::RestoreKind::partial) return false;
  return restore.partial.database.empty() || !judged.evidence.ledger;
}

// Not chosen by a scenario: it says of which transactions RPO and exactness speak. Its time is its probe's.
void add_commit_order(record::Report& report, const Judged& judged, std::optional<record::Check> check) {
  if (!check) return;
  const auto seconds_of_probe = judged.evidence.seconds.find(measure::commit_order_check);
  if (seconds_of_probe != judged.evidence.seconds.end()) check->seconds = seconds_of_probe->second;
  report.checks.push_back(std::move(*check));
}

void judge_tables(record::Report& report, const Judged& judged, const measure::StopPosition& stop) {
  auto& restore = report.restores.back();
  const verify::Records records{judged.evidence, judged.marks, judged.ledger};
  const auto pair = verify::compared_content(records);
  if (!pair || !judged.evidence.selected) {
    report.not_tested.emplace_back("exactness: no mark says what the restored tables must hold, or they were not read");
    return;
  }
  const auto mark = std::find_if(judged.marks.begin(), judged.marks.end(),
                                 [&](const auto& m) { return m.name == judged.evidence.content_mark; });
  record::Check differences;
  verify::compare_content(*pair->then, *pair->now, "the mark", differences);
  const measure::RestoredTables tables{*mark->selected, *judged.evidence.selected, differences.findings.empty()};
  restore.exact = measure::measure_partial_exactness(tables);
  const auto reached = backup_engine::postgres::parse_lsn(restore.reached.lsn);
  const bool elsewhere =
      reached && stop.kind == measure::StopPosition::Kind::position && !measure::ended_at(*reached, stop.position);
  if (elsewhere) restore.exact.met = false;
  const auto words = elsewhere ? fmt::format("the scratch server's recovery at {}, and its target lies at {}",
                                             restore.reached.lsn, to_string(stop.position))
                               : std::string();
  const auto& order = judged.evidence.commit_order;
  add_commit_order(report, judged,
                   measure::check_restored_transactions(tables, judged.ledger,
                                                        order ? *order : record::CommitOrderEvidence{}, words));
  restore.rpo = measure::measure_partial_rpo(tables, judged.ledger,
                                             time_of(mark->time, "the mark's time").time_since_epoch().count(),
                                             restore.rpo.objective_seconds);
}

// Of a cluster without a ledger no loss is known; its commits are PostgreSQL's to tell.
void judge_transactions(record::Report& report, const Judged& judged, const measure::StopPosition& stop) {
  auto& restore = report.restores.back();
  const auto& order = *judged.evidence.commit_order;
  restore.exact = measure::measure_transaction_exactness(order, stop);
  add_commit_order(report, judged, measure::check_transaction_statuses({order, stop, restore.exact}));
  if (stop.kind == measure::StopPosition::Kind::unknown) report.not_tested.push_back("exactness: " + stop.why);
  for (const auto* const probe : {"recovered_statuses", "paused_statuses", "second_copy", "second_server"}) {
    const auto unread = judged.evidence.missing.find(probe);
    if (unread != judged.evidence.missing.end()) report.not_tested.push_back("exactness: " + unread->second);
  }
}

void judge_loss(record::Report& report, const Judged& judged) {
  auto& restore = report.restores.back();
  const auto& order = judged.evidence.commit_order;
  // Judging again must not keep what the evidence no longer says.
  restore.rpo = {};
  restore.exact = {};
  restore.reached = order ? judge_reached(*order) : record::RestoreRecord::Reached{};
  restore.rpo.objective_seconds = seconds(scenario::objectives_for(judged.scenario, size_of(restore)).rpo);
  const auto stop = stop_of(report, order);
  if (judged.scenario.source.stored) {
    if (order) judge_transactions(report, judged, stop);
    return;
  }
  if (judged_by_tables(judged)) return judge_tables(report, judged, stop);
  const auto question = rpo_question(report, stop, judged);
  if (judged.evidence.ledger && question) {
    restore.rpo = measure::measure_rpo(*question, judged.ledger, *judged.evidence.ledger, order ? &*order : nullptr);
  }
  if (!order) return;
  restore.exact = measure::measure_exactness(*order, judged.ledger, stop);
  if (judged.evidence.ledger) {
    add_commit_order(report, judged,
                     measure::check_commit_order({*order, stop, restore.exact}, judged.ledger, *judged.evidence.ledger,
                                                 question ? &*question : nullptr));
  }
  if (stop.kind == measure::StopPosition::Kind::unknown) report.not_tested.push_back("exactness: " + stop.why);
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

// Of backups of the drill's own, and of a stored one's, or that one for which the engine passed it over: its restore
// may have gone well, for WAL may have written the pages anew.
void judge_damage(record::Report& report) {
  record::Check check;
  check.name = damage_check;
  check.witness = "engine";
  check.expected = "0";
  std::uint64_t pages = 0;
  for (const auto& backup : report.backups) {
    if (backup.damaged_pages == 0) continue;
    pages += backup.damaged_pages;
    check.findings.push_back({backup.label, "", "", "", "",
                              fmt::format("pages whose checksum was wrong on the source when it was taken: {}; "
                                          "`lifeboat verify` names them",
                                          backup.damaged_pages)});
  }
  if (pages == 0) return;
  check.verdict = record::Verdict::fail;
  check.actual = std::to_string(pages);
  check.summary = fmt::format(
      "{} in {}: the source was damaged. Mend it, take a new backup, and keep an older one that is sound until then.",
      pages == 1 ? "1 damaged page" : fmt::format("{} damaged pages", pages),
      check.findings.size() == 1 ? "backup " + check.findings.front().object
                                 : fmt::format("{} backups", check.findings.size()));
  report.checks.push_back(std::move(check));
}

}  // namespace

void judge(record::Report& report, const Judged& judged) {
  const bool stored = judged.scenario.source.stored.has_value();
  const verify::Records records{
      judged.evidence, judged.marks,
      stored ? std::nullopt : std::optional<std::vector<record::LedgerTransaction>>(judged.ledger), stored};
  auto judgement = verify::judge(judged.scenario.verify, records);
  report.checks = std::move(judgement.checks);
  if (judged.scenario.restore.roll_back) report.checks.push_back(verify::check_roll_back(judged.evidence));
  add_probe_seconds(report.checks, judged.evidence.seconds);
  judge_damage(report);
  if (!report.restores.empty()) {
    auto& restore = report.restores.back();
    restore.expected = expected_outcome(judged.scenario.restore);
    if (auto check = judge_outcome(restore)) report.checks.push_back(std::move(*check));
    if (restore.outcome == "refused" && restore.outcome == restore.expected.outcome) {
      report.not_tested = {nothing_came_back};
      return;
    }
  }
  judge_sweep(report, judged);
  report.not_tested = std::move(judgement.not_tested);
  const auto unread = judged.evidence.missing.find("commit_order");
  if (unread != judged.evidence.missing.end()) report.not_tested.push_back("exactness: " + unread->second);
  if (report.restores.empty()) return;
  for (auto& restore : report.restores) {
    if (restore.repeat || &restore == &report.restores.back()) judge_time(restore, report, judged.scenario);
  }
  judge_loss(report, judged);
  judge_repeats(report, judged);
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
  const auto scenario =
      scenario::parse_scenario(directory.scenario(report.scenario.name), fixtures,
                               plan::variables_of_plan(base::read_file(directory.plan())), report.seed);
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
  const auto ledger =
      scenario.source.stored ? std::vector<record::LedgerTransaction>() : record::read_ledger(directory.ledger());
  const auto evidence = whole_evidence(directory.path());
  const auto broke =
      std::find_if(report.checks.begin(), report.checks.end(), [](const auto& c) { return c.name == drill_check; });
  const auto why = broke == report.checks.end() ? std::nullopt : std::optional(*broke);
  const Judged judged{scenario, ledger, marks, evidence};
  judge(report, judged);
  judge_proof(report, judged, record::read_proof(directory.path()));
  if (why) report.checks.push_back(*why);  // evidence that was never taken cannot be made up for
  report.verdict = record::overall_verdict(report);

  const auto target = out.empty() ? directory.path() / "judged" : std::filesystem::absolute(out);
  std::filesystem::create_directories(target);
  publish(report, record::read_journal(directory.journal()), target);
  return report;
}

}  // namespace harness::drill
