#include "harness/drill/stored_drill.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "harness/drill/judgement.hpp"
#include "harness/drill/proof.hpp"
#include "harness/drill/proof_judgement.hpp"
#include "harness/drill/recovery.hpp"
#include "harness/drill/repeated_recovery.hpp"
#include "harness/drill/restore_account.hpp"
#include "harness/drill/stored_examination.hpp"
#include "harness/drill/timeline_points.hpp"
#include "harness/restore/surroundings.hpp"
#include "reports/record/summary.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;

namespace {

Origin origin_of(const Context& context) {
  const auto& stored = *context.plan.scenario.source.stored;
  Origin origin;
  origin.repository = {std::filesystem::absolute(stored.location), stored.cluster, context.workplace.lifeboat(),
                       context.workplace.user(),
                       stored.key_file.empty() ? stored.key_file : std::filesystem::absolute(stored.key_file)};
  origin.database = stored.database;
  origin.superuser = stored.superuser;
  origin.backup_label = stored.label;
  origin.foreign = true;
  return origin;
}

// The engine passes over a backup whose manifest is damaged and takes an older one: for a recovery that is right, for a
// drill it would hide the damage.
void refuse_damaged_manifests(const backup::StoredCluster& cluster, const std::string& label) {
  for (const auto& damaged : cluster.unreadable) {
    if (!label.empty() && damaged.find(label) == std::string::npos) continue;
    throw base::Error(base::ErrorKind::corrupt, fmt::format("a backup in the repository is damaged: {}", damaged))
        .with_remedy("run `lifeboat verify` for the extent of the damage; name a sound backup to drill that one");
  }
}

// To the restored servers, one after the other, where they may not read it or are shown nothing of it.
std::unique_ptr<restore::ServedWal> serve_where_needed(const Context& context, Origin& origin) {
  const auto& stored = origin.repository;
  auto wal = restore::ServedWal::where_needed({stored.directory, stored.cluster, stored.key_file},
                                              context.workplace.user(), restore::surroundings());
  if (!wal) return wal;
  context.step("wal.serve", "serve WAL through a socket: the restored servers do not see the repository");
  origin.wal_socket = wal->socket();
  return wal;
}

record::BackupRecord backup_named(const backup::StoredCluster& cluster, const std::string& label) {
  const auto found = std::find_if(cluster.backups.begin(), cluster.backups.end(),
                                  [&](const auto& backup) { return backup.label == label; });
  if (found != cluster.backups.end()) return *found;
  throw base::Error(base::ErrorKind::not_found, fmt::format("the backup {} is no longer in the repository", label))
      .with_remedy("it was expired meanwhile: run the drill again");
}

}  // namespace

void conduct_stored(const Context& context, record::Report& report) {
  const auto& scenario = context.plan.scenario;
  auto origin = origin_of(context);
  const auto target = resolve_stored_target(scenario.restore);
  backup::StoredCluster cluster;
  std::unique_ptr<restore::ServedWal> wal;
  std::optional<Recovery> recovery;
  const bool opened = restore_or_tell(context, target, report, [&] {
    context.step("stored.open", fmt::format("look at the backups of {}", origin.repository.cluster));
    cluster = backup::read_stored_cluster(origin.repository, origin.backup_label);
    refuse_damaged_manifests(cluster, origin.backup_label);
    wal = serve_where_needed(context, origin);
  });
  if (!opened) return judge_refusal(context, report, Judged{scenario, {}, {}, {}});
  recover_all_but_last(context, origin, target, {}, report);
  const bool recovered =
      restore_or_tell(context, target, report, [&] { recovery.emplace(recover(context, origin, target.target, {})); });
  if (!recovered) return judge_refusal(context, report, Judged{scenario, {}, {}, {}});
  note_restore(report, restore_asked_for(context.plan, target), recovery->course,
               restored_bytes(context, recovery->server));
  report.backups = {backup_named(cluster, recovery->course.backup_label)};
  for (const auto& label : recovery->course.passed_over) report.backups.push_back(backup_named(cluster, label));
  const auto told = telling_settings(recovery->server);
  report.environment.settings.insert(told.begin(), told.end());
  const auto evidence = examine_stored(context, origin, *recovery, {target.target, report.backups.front(), cluster});
  context.step("judge", "judge the evidence");
  const Judged judged{scenario, {}, {}, evidence};
  judge(report, judged);
  note_verified(report, recovery->course);
  if (!scenario.prove) return;
  std::optional<record::ProofEvidence> proof;
  if (record::recovery_verdict(report) == record::Verdict::pass) {
    origin.backup_label = recovery->course.backup_label;
    proof = prove_detectors(context, {origin,
                                      target.target,
                                      report.restores.back().target,
                                      nullptr,
                                      report.backups.front(),
                                      origin.database,
                                      evidence,
                                      {}});
  }
  judge_proof(report, judged, proof);
}

}  // namespace harness::drill
