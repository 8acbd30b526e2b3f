#include "harness/drill/conduct.hpp"

#include <algorithm>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "harness/drill/examination.hpp"
#include "harness/drill/judgement.hpp"
#include "harness/drill/live_examination.hpp"
#include "harness/drill/partial_recovery.hpp"
#include "harness/drill/proof.hpp"
#include "harness/drill/proof_judgement.hpp"
#include "harness/drill/recovery.hpp"
#include "harness/drill/repeated_recovery.hpp"
#include "harness/drill/restore_account.hpp"
#include "harness/drill/rolled_back.hpp"
#include "harness/drill/stored_drill.hpp"
#include "harness/drill/sweep.hpp"
#include "reports/record/summary.hpp"

namespace harness::drill {

namespace record = reports::record;

namespace {

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

void judge_refused(const Context& context, const SourceSide& source, record::Report& report) {
  const auto ledger = record::read_ledger(context.directory.ledger());
  judge_refusal(context, report, Judged{context.plan.scenario, ledger, source.marks(), {}});
}

// Outside the clock, and only of a drill that passes without: what failed is left as it is.
void prove(const Context& context, const SourceSide& source, const restore::Target& target,
           const record::Evidence& evidence, record::Report& report) {
  if (!context.plan.scenario.prove) return;
  const auto ledger = record::read_ledger(context.directory.ledger());
  std::optional<record::ProofEvidence> proof;
  if (record::recovery_verdict(report) == record::Verdict::pass) {
    const auto origin = source.origin();
    const auto& restore = report.restores.back();
    const auto backup =
        std::find_if(report.backups.begin(), report.backups.end(),
                     [&](const record::BackupRecord& each) { return each.label == restore.backup_label; });
    if (backup == report.backups.end()) {
      throw backup_engine::base::Error(backup_engine::base::ErrorKind::internal,
                                       "the backup that was restored is none of this drill's");
    }
    proof = prove_detectors(context, {origin, target, restore.target, describing_mark(context, source), *backup,
                                      origin.database, evidence, ledger});
  }
  judge_proof(report, Judged{context.plan.scenario, ledger, source.marks(), evidence}, proof);
}

// Which transaction came last in the WAL only a target by xid asks.
ResolvedTarget target_of(const Context& context, const SourceSide& source) {
  const auto& restore = context.plan.scenario.restore;
  const bool by_xid = restore.target.kind == scenario::TargetKind::xid;
  return resolve_target(restore, source.points(), record::read_ledger(context.directory.ledger()),
                        by_xid ? source.commits() : std::vector<record::CommitRecord>());
}

// What a roll-back must bring back is looked at in between, on nobody's clock.
SourceSide::Spent end_source(const Context& context, SourceSide& source, record::Evidence& evidence) {
  if (!context.plan.scenario.restore.roll_back) return source.end();
  const auto held = source.hold();
  examine_before_replacing(context, source, evidence);
  const auto ended = source.end();
  return {ended.detect, held.end + ended.end};
}

void restore_into_new_server(const Context& context, SourceSide& source, record::Report& report) {
  record::Evidence before;
  const auto spent = end_source(context, source, before);
  source.serve_wal();
  const auto target = target_of(context, source);
  recover_all_but_last(context, source.origin(), target, spent, report);
  std::optional<Recovery> recovery;
  const bool recovered = restore_or_tell(
      context, target, report, [&] { recovery.emplace(recover(context, source.origin(), target.target, spent)); });
  if (!recovered) return judge_refused(context, source, report);
  note_restore(report, restore_asked_for(context.plan, target), recovery->course,
               restored_bytes(context, recovery->server));
  auto evidence = examine(context, source, *recovery, target.target, before);
  if (context.plan.scenario.restore.kind == scenario::RestoreKind::pitr_sweep) sweep(context, source, evidence);
  roll_back_and_examine(context, source, *recovery, evidence);
  judge_all(context, source, evidence, recovery->course, report);
  prove(context, source, target.target, evidence, report);
}

void restore_into_source(const Context& context, SourceSide& source, record::Report& report) {
  const auto spent = source.hold();
  const auto target = target_of(context, source);
  record::Evidence evidence;
  examine_before(context, source, evidence);
  std::optional<PartialRecovery> recovery;
  const bool recovered = restore_or_tell(context, target, report, [&] {
    recovery.emplace(recover_part(context, source, target.target, spent, evidence));
  });
  if (!recovered) {
    (void)source.end();
    return judge_refused(context, source, report);
  }
  note_restore(report, restore_asked_for(context.plan, target), recovery->course,
               restored_bytes(context, source.server()));
  examine_live(context, source, evidence);
  (void)source.end();  // what that takes is nobody's loss
  examine_witness(context, source, target.target, recovery->reached, evidence);
  judge_all(context, source, evidence, recovery->course, report);
}

}  // namespace

void conduct(const Context& context, record::Report& report) {
  if (context.plan.scenario.source.stored) return conduct_stored(context, report);
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
