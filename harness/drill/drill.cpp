#include "harness/drill/drill.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/drill/drill_directory.hpp"
#include "harness/drill/examination.hpp"
#include "harness/drill/judgement.hpp"
#include "harness/drill/machine.hpp"
#include "harness/drill/publication.hpp"
#include "harness/drill/recovery.hpp"
#include "harness/drill/source_side.hpp"
#include "harness/drill/workplace.hpp"
#include "reports/record/summary.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using record::Verdict;

namespace {

record::Report opening_report(const plan::Plan& plan, const ToolIdentity& tool) {
  record::Report report;
  report.drill_id = plan.drill_id;
  report.seed = plan.circumstances.seed;
  report.scenario = {plan.scenario.name, plan.scenario.claim, plan.scenario.digest};
  report.tool = tool;
  report.initiated_by = describe_initiator(plan.circumstances.reason);
  report.environment = describe_machine(plan.drill_directory);
  report.environment.postgres_version = plan.circumstances.postgres_version;
  report.environment.concurrent_drills = plan.circumstances.concurrent_drills;
  report.started_at = base::to_rfc3339(base::utc_now());  // several plans are made before the first drill begins
  return report;
}

record::RestoreRecord restore_asked_for(const plan::Plan& plan, const ResolvedTarget& target) {
  record::RestoreRecord restore;
  restore.kind = to_string(plan.scenario.restore.kind);
  restore.target = target.record;
  return restore;
}

void note_restore(record::Report& report, record::RestoreRecord restore, const Recovery& recovery) {
  restore.backup_label = recovery.backup_label;
  restore.outcome = "recovered";
  restore.rto.phases = recovery.phases;
  report.restores.push_back(std::move(restore));
  report.environment.settings["recovery_init_sync_method"] = "syncfs";
  report.environment.settings["repository_cache"] = recovery.repository_was_cold ? "cold" : "warm";
}

void note_verified(record::Report& report, const Recovery& recovery) {
  const auto now = base::utc_now();
  const auto writable = recovery.milestones.writable.value_or(now);
  auto& rto = report.restores.back().rto;
  rto.phases.push_back(
      {"verified", base::to_rfc3339(writable), std::chrono::duration<double>(now - writable).count(), {}});
  rto.verified_seconds = std::chrono::duration<double>(now - recovery.clock_started).count();
}

// The engine's word on a target that nothing in the repository leads to.
bool is_refusal(base::ErrorKind kind) {
  using base::ErrorKind;
  return kind == ErrorKind::not_found || kind == ErrorKind::usage || kind == ErrorKind::mismatch ||
         kind == ErrorKind::unsupported;
}

// A target that cannot be reached, a backup that turns out to be damaged or that PostgreSQL refuses to recover from, is
// an answer to the drill's question, and not a drill that broke.
Recovery recover_or_tell(const Context& context, const SourceSide& source, const ResolvedTarget& target,
                         const SourceSide::Spent& spent, record::Report& report) {
  try {
    return recover(context, source, target.target, spent);
  } catch (const base::Error& error) {
    const bool failed = error.kind() == base::ErrorKind::corrupt || error.kind() == base::ErrorKind::process;
    if (failed || is_refusal(error.kind())) {
      report.restores.push_back(restore_asked_for(context.plan, target));
      report.restores.back().outcome = failed ? "failed" : "refused";
      report.restores.back().reached = reached_in_vain(context);
    }
    throw;
  }
}

void note_source(record::Report& report, const SourceSide& source) {
  report.backups = source.backups();
  report.disasters = source.disasters();
}

// Returns what the recovery has cost by then. However far it comes, the report says so.
SourceSide::Spent play_source(SourceSide& source, record::Report& report) {
  try {
    source.play();
    note_source(report, source);
    return source.end();
  } catch (...) {
    note_source(report, source);
    throw;
  }
}

// Which transaction came last in the WAL only a target by xid asks.
ResolvedTarget resolved_target(const Context& context, const SourceSide& source,
                               const std::vector<record::LedgerTransaction>& ledger) {
  const auto& restore = context.plan.scenario.restore;
  const bool by_xid = restore.target.kind == scenario::TargetKind::xid;
  return resolve_target(restore, source.points(), ledger,
                        by_xid ? source.commits() : std::vector<record::CommitRecord>());
}

// The drill itself. What it learns goes into `report` as it learns it, so that a drill that breaks still tells it.
void conduct(const Context& context, record::Report& report) {
  SourceSide source(context);
  report.environment.settings = source.settings();
  const auto spent = play_source(source, report);
  const auto ledger = record::read_ledger(context.directory.ledger());
  const auto target = resolved_target(context, source, ledger);
  auto recovery = recover_or_tell(context, source, target, spent, report);
  note_restore(report, restore_asked_for(context.plan, target), recovery);
  const auto evidence = examine(context, source, recovery, target.target);
  context.step("judge", "judge the evidence");
  judge(report, Judged{context.plan.scenario, ledger, source.marks(), evidence});
  note_verified(report, recovery);
}

// A drill that broke says why, and can never pass; one whose restore came to nothing has failed.
void note_failure(record::Report& report, record::Journal& journal, const base::Error& error) {
  const bool told = !report.restores.empty() && report.restores.back().outcome != "recovered";
  record::Check broke;
  broke.name = drill_check;
  broke.verdict = told ? Verdict::fail : Verdict::unknown;
  broke.summary = error.what();
  if (!error.remedy().empty()) broke.summary += "; what to do: " + error.remedy();
  broke.actual = error.log_tail();
  report.checks.push_back(std::move(broke));
  journal.append(told ? "restore.failed" : "drill.broke",
                 {{"kind", std::string(base::to_string(error.kind()))}, {"why", error.what()}});
}

void conduct_guarded(const Context& context, record::Report& report) {
  try {
    conduct(context, report);
  } catch (const base::Error& error) {
    note_failure(report, context.journal, error);
  } catch (const std::exception& error) {
    note_failure(report, context.journal, base::Error(base::ErrorKind::internal, error.what()));
  }
}

bool keeps_data(plan::Keep keep, const record::Report& report, const std::stop_token& stop) {
  switch (keep) {
    case plan::Keep::always:
      return true;
    case plan::Keep::never:
      return false;
    case plan::Keep::on_failure:
      return !stop.stop_requested() && record::recovery_verdict(report) != Verdict::pass;
  }
  return false;
}

void tear_down(const Context& context, record::Report& report) {
  report.cleanup.verdict = Verdict::pass;
  if (keeps_data(context.plan.circumstances.keep, report, context.stop)) {
    context.workplace.keep();
    report.cleanup.left_behind.push_back(fmt::format("kept on purpose: {}", context.workplace.path().string()));
    return;
  }
  const auto left = context.workplace.remove();
  if (left.empty()) return;
  report.cleanup.verdict = Verdict::fail;
  report.cleanup.left_behind.push_back(left);
}

void save_plan(const plan::Plan& plan, const DrillDirectory& directory) {
  base::write_file_atomically(directory.plan(), plan::to_json(plan));
  std::filesystem::copy_file(plan.scenario.file, directory.scenario(plan.scenario.name));
}

}  // namespace

record::Report run_drill(const plan::Plan& plan, const ToolIdentity& tool, Observer& observer,
                         const std::stop_token& stop) {
  const auto directory = DrillDirectory::create(plan.drill_directory);
  save_plan(plan, directory);
  record::Journal journal(directory.journal());
  auto report = opening_report(plan, tool);
  report.cleanup.verdict = Verdict::pass;  // there is nothing to clean up yet
  try {
    auto workplace = Workplace::create(plan);
    report.cleanup.verdict = Verdict::unknown;
    const Context context{plan, directory, workplace, journal, observer, stop};
    conduct_guarded(context, report);
    tear_down(context, report);
  } catch (const base::Error& error) {
    note_failure(report, journal, error);
  }
  report.finished_at = base::to_rfc3339(base::utc_now());
  report.verdict = record::overall_verdict(report);
  journal.append("drill.ended", {{"verdict", std::string(record::to_string(report.verdict))}});
  publish(report, record::read_journal(directory.journal()), directory.path());
  directory.publish_as_latest();
  return report;
}

}  // namespace harness::drill
