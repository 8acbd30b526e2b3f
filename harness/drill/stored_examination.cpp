#include "harness/drill/stored_examination.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/parallel.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "harness/drill/prober.hpp"
#include "harness/restore/stored_wal.hpp"
#include "harness/verify/commit_order_probe.hpp"
#include "harness/verify/consistency_probe.hpp"
#include "harness/verify/isolation_probe.hpp"
#include "harness/verify/transaction_probe.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using scenario::CheckKind;

namespace {

struct Look {
  const Context& context;
  const Origin& origin;
  const Restoration& restoration;
  const verify::ToolOptions tools;
  Prober& prober;
  record::Evidence& evidence;
};

// How far WAL was held without a gap when the clock started: what arrived while the drill went on, recovery may have
// taken or not.
std::string held_at_start(const backup::StoredCluster& cluster, const verify::ReachedPoint& reached) {
  using backup_engine::postgres::parse_lsn;
  std::string held;
  for (const auto& wal : cluster.wal) {
    if (wal.timeline == reached.timeline && parse_lsn(wal.start_lsn) <= parse_lsn(reached.lsn)) held = wal.end_lsn;
  }
  return held;
}

// The repository's WAL from the backup on, and which commits it holds.
record::CommitOrderEvidence read_order(const Look& look, const verify::Cluster& recovered) {
  const auto reached = verify::read_reached_point(recovered);
  const auto& backup = look.restoration.backup;
  restore::StoredWalOrder order{look.origin.repository.directory,
                                look.origin.repository.cluster,
                                look.origin.repository.key_file,
                                backup.start_lsn,
                                backup.timeline,
                                reached.lsn,
                                reached.timeline};
  order.segment_bytes = std::stoull(recovered.connect(look.origin.database)
                                        .query("SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'")
                                        .single());
  order.to = look.context.workplace.stored_wal();
  std::filesystem::create_directory(order.to);
  const auto wal = restore::fetch_stored_wal(order, look.context.stop);
  verify::WitnessWal witness{order.to, backup.start_lsn, reached.timeline, "engine"};
  witness.may_be_quiet = true;
  for (const auto& left : wal.left) witness.line.push_back({left.timeline, left.at_lsn});
  witness.line.push_back({reached.timeline, ""});
  if (look.restoration.target.stop == restore::Stop::end_of_wal) witness.ended_lsn = reached.lsn;
  if (look.restoration.target.stop == restore::Stop::lsn) witness.target_lsn = look.restoration.target.value;
  auto evidence = verify::read_commit_order(look.tools, witness);
  evidence.reached_lsn = reached.lsn;
  evidence.reached_timeline = reached.timeline;
  evidence.acknowledged_lsn = held_at_start(look.restoration.cluster, reached);
  evidence.prepared_present = verify::read_prepared(recovered);
  return evidence;
}

std::vector<record::CommitRecord> replayed(const record::CommitOrderEvidence& order) {
  const auto end = backup_engine::postgres::parse_lsn(order.reached_lsn);
  std::vector<record::CommitRecord> records;
  for (const auto& commit : order.records) {
    const auto at = backup_engine::postgres::parse_lsn(commit.lsn);
    if (at && end && *at < *end) records.push_back(commit);
  }
  return records;
}

void examine_recovered(const Look& look, const server::Server& server, const verify::Cluster& cluster) {
  if (look.evidence.commit_order) {
    look.prober.probe("recovered_statuses", [&] {
      auto& order = *look.evidence.commit_order;
      order.recovered_statuses = verify::probe_transactions(cluster, replayed(order));
    });
  }
  if (wants(look.context, CheckKind::catalog)) {
    look.prober.probe("consistency", [&] { look.evidence.consistency = verify::probe_consistency(cluster); });
  }
  look.prober.probe("isolation",
                    [&] { look.evidence.isolation = verify::probe_isolation(server, look.origin.wal_socket); });
  probe_database(look.context, server, cluster, look.prober, look.evidence);
}

// What only an untouched directory shows; then the transactions where recovery pauses; then, cleanly stopped, the page
// checksums: replay has by then repaired what an online backup may hold torn.
void examine_second_copy(const Look& look) {
  const auto& target = look.restoration.target;
  SecondCopy copy;
  auto origin = look.origin;
  origin.backup_label = look.restoration.backup.label;
  look.prober.probe("second_copy",
                    [&] { copy = restore_second_copy(look.context, origin, place_to_pause(target, nullptr)); });
  if (copy.data_directory.empty()) return;
  if (wants(look.context, CheckKind::verifybackup)) {
    look.prober.probe("verify_backup",
                      [&] { look.evidence.verify_backup = run_verifybackup(look.tools, copy.data_directory); });
  }
  if (wants(look.context, CheckKind::settings)) {
    look.prober.probe("control_data",
                      [&] { look.evidence.control_data = run_controldata(look.tools, copy.data_directory); });
  }
  std::optional<server::Server> second;
  look.prober.probe("second_server", [&] { second = start_second_copy(look.context, origin, copy); });
  if (!second) return;
  look.prober.probe("second_isolation",
                    [&] { look.evidence.second_isolation = verify::probe_isolation(*second, origin.wal_socket); });
  if (look.evidence.commit_order && target.stop != restore::Stop::end_of_wal) {
    look.prober.probe("paused_statuses", [&] {
      const auto cluster = view_of(look.context, *second, origin.database);
      auto& order = *look.evidence.commit_order;
      order.paused_statuses = verify::probe_transactions(cluster, order.records);
    });
  }
  if (wants(look.context, CheckKind::page_checksums)) {
    look.prober.probe("page_checksums", [&] {
      second->stop(server::StopMode::fast, base::Deadline::after(look.context.plan.server_start_limit));
      look.evidence.page_checksums = run_checksums(look.tools, copy.data_directory);
    });
  }
}

}  // namespace

record::Evidence examine_stored(const Context& context, const Origin& origin, Recovery& recovery,
                                const Restoration& restoration) {
  record::Evidence evidence;
  Prober prober(context, evidence);
  const Look look{context, origin,  restoration, tools(context, recovery.server.options().installation),
                  prober,  evidence};
  const auto cluster = view_of(context, recovery.server, origin.database);
  // Before the two are examined: both are asked about the transactions that it names.
  prober.probe("commit_order", [&] { evidence.commit_order = read_order(look, cluster); });
  // Two clusters that do not know of each other: examined at the same time.
  base::for_each_in_parallel(2, 2, [&](std::size_t which) {
    if (which == 0) examine_recovered(look, recovery.server, cluster);
    if (which == 1) examine_second_copy(look);
  });
  record::write_evidence(context.directory.path(), evidence);
  return evidence;
}

}  // namespace harness::drill
