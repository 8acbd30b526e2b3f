#include "harness/drill/conduct.hpp"

#include "backup_engine/base/error.hpp"
#include "harness/drill/examination.hpp"
#include "harness/drill/judgement.hpp"
#include "harness/drill/live_examination.hpp"
#include "harness/drill/partial_recovery.hpp"
#include "harness/drill/recovery.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;

namespace {

record::RestoreRecord restore_asked_for(const plan::Plan& plan, const ResolvedTarget& target) {
  record::RestoreRecord restore;
  restore.kind = to_string(plan.scenario.restore.kind);
  restore.target = target.record;
  return restore;
}

void note_restore(record::Report& report, record::RestoreRecord restore, const Course& course) {
  restore.backup_label = course.backup_label;
  restore.outcome = "recovered";
  restore.rto.phases = course.phases;
  report.restores.push_back(std::move(restore));
  report.environment.settings["recovery_init_sync_method"] = "syncfs";
  report.environment.settings["repository_cache"] = course.repository_was_cold ? "cold" : "warm";
}

void note_verified(record::Report& report, const Course& course) {
  const auto now = base::utc_now();
  auto& rto = report.restores.back().rto;
  const std::chrono::duration<double> took = now - course.writable;
  rto.phases.push_back({"verified", base::to_rfc3339(course.writable), took.count(), {}});
  rto.verified_seconds = std::chrono::duration<double>(now - course.clock_started).count();
}

// What an error says of the restore itself: refused, when nothing in the repository leads to what was asked for;
// failed, when a backup turned out to be damaged, PostgreSQL did not recover, or would not take what was put into it.
// Empty when the drill broke.
std::string outcome_of(base::ErrorKind kind, bool into_source) {
  using base::ErrorKind;
  if (kind == ErrorKind::corrupt || kind == ErrorKind::process) return "failed";
  if (into_source && (kind == ErrorKind::server || kind == ErrorKind::permission)) return "failed";
  const bool refused = kind == ErrorKind::not_found || kind == ErrorKind::usage || kind == ErrorKind::mismatch ||
                       kind == ErrorKind::unsupported;
  return refused ? "refused" : "";
}

// Runs the restore; one that comes to nothing is an answer to the drill's question, and not a drill that broke.
template <typename Restore>
auto restore_or_tell(const Context& context, const ResolvedTarget& target, record::Report& report,
                     const Restore& restore) {
  try {
    return restore();
  } catch (const base::Error& error) {
    const auto outcome = outcome_of(error.kind(), restores_into_source(context.plan.scenario.restore));
    if (!outcome.empty()) {
      report.restores.push_back(restore_asked_for(context.plan, target));
      report.restores.back().outcome = outcome;
      report.restores.back().reached = reached_in_vain(context);
    }
    throw;
  }
}

// However far it comes, the report says so.
void play(SourceSide& source, record::Report& report) {
  const auto note = [&] {
    report.backups = source.backups();
    report.disasters = source.disasters();
  };
  try {
    source.play();
    note();
  } catch (...) {
    note();
    throw;
  }
}

void judge_all(const Context& context, const SourceSide& source, const record::Evidence& evidence, const Course& course,
               record::Report& report) {
  context.step("judge", "judge the evidence");
  const auto ledger = record::read_ledger(context.directory.ledger());
  judge(report, Judged{context.plan.scenario, ledger, source.marks(), evidence});
  note_verified(report, course);
}

// Which transaction came last in the WAL only a target by xid asks.
ResolvedTarget target_of(const Context& context, const SourceSide& source) {
  const auto& restore = context.plan.scenario.restore;
  const bool by_xid = restore.target.kind == scenario::TargetKind::xid;
  return resolve_target(restore, source.points(), record::read_ledger(context.directory.ledger()),
                        by_xid ? source.commits() : std::vector<record::CommitRecord>());
}

void restore_into_new_server(const Context& context, SourceSide& source, record::Report& report) {
  const auto spent = source.end();
  const auto target = target_of(context, source);
  auto recovery =
      restore_or_tell(context, target, report, [&] { return recover(context, source, target.target, spent); });
  note_restore(report, restore_asked_for(context.plan, target), recovery.course);
  const auto evidence = examine(context, source, recovery, target.target);
  judge_all(context, source, evidence, recovery.course, report);
}

void restore_into_source(const Context& context, SourceSide& source, record::Report& report) {
  const auto spent = source.hold();
  const auto target = target_of(context, source);
  record::Evidence evidence;
  examine_before(context, source, evidence);
  const auto recovery =
      restore_or_tell(context, target, report, [&] { return recover_part(context, source, target.target, spent); });
  note_restore(report, restore_asked_for(context.plan, target), recovery.course);
  examine_live(context, source, evidence);
  (void)source.end();  // what that takes is nobody's loss
  examine_witness(context, source, target.target, recovery.reached, evidence);
  judge_all(context, source, evidence, recovery.course, report);
}

}  // namespace

void conduct(const Context& context, record::Report& report) {
  SourceSide source(context);
  report.environment.settings = source.settings();
  play(source, report);
  if (restores_into_source(context.plan.scenario.restore)) {
    restore_into_source(context, source, report);
  } else {
    restore_into_new_server(context, source, report);
  }
}

}  // namespace harness::drill
