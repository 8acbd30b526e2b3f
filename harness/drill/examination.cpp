#include "harness/drill/examination.hpp"

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/parallel.hpp"
#include "harness/drill/prober.hpp"
#include "harness/scenario/described_target.hpp"
#include "harness/verify/content_probe.hpp"
#include "harness/verify/isolation_probe.hpp"
#include "harness/verify/ledger_probe.hpp"
#include "harness/verify/selected_probe.hpp"
#include "harness/verify/witness_line.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using scenario::CheckKind;

namespace {

// What only an untouched directory shows; then content at the mark where recovery pauses; then, cleanly stopped, the
// page checksums: replay has by then repaired what an online backup may hold torn.
void examine_second_copy(const Context& context, const SourceSide& source, const restore::Target& target,
                         const server::Installation& installation, Prober& prober, record::Evidence& evidence) {
  const auto* const mark = describing_mark(context, source);
  if (mark != nullptr) evidence.content_mark = mark->name;  // catalog and settings are compared with it as well
  SecondCopy copy;
  prober.probe("second_copy",
               [&] { copy = restore_second_copy(context, source.origin(), place_to_pause(target, mark)); });
  if (copy.data_directory.empty()) return;
  const auto options = tools(context, installation);
  if (wants(context, CheckKind::verifybackup)) {
    prober.probe("verify_backup", [&] { evidence.verify_backup = run_verifybackup(options, copy.data_directory); });
  }
  std::optional<server::Server> second;
  prober.probe("second_server", [&] { second = start_second_copy(context, source.origin(), copy); });
  if (!second) return;
  prober.probe("second_isolation",
               [&] { evidence.second_isolation = verify::probe_isolation(*second, source.origin().wal_socket); });
  if (wants(context, CheckKind::content) && mark != nullptr) {
    prober.probe("content",
                 [&] { probe_at_mark(view_of(context, *second, source.dataset().load_database), *mark, evidence); });
  }
  if (wants(context, CheckKind::page_checksums)) {
    prober.probe("page_checksums", [&] {
      second->stop(server::StopMode::fast, base::Deadline::after(context.plan.server_start_limit));
      evidence.page_checksums = run_checksums(options, copy.data_directory);
    });
  }
}

// Whoever recovers works with this server and not with the second copy. Only where nothing is replayed past the mark
// must it hold what the mark says.
void probe_restored_content(const Context& context, const SourceSide& source, const verify::Cluster& cluster,
                            Prober& prober, record::Evidence& evidence) {
  const auto* const mark = describing_mark(context, source);
  const bool past_the_mark = context.plan.scenario.restore.target.kind == scenario::TargetKind::end_of_wal;
  if (!wants(context, CheckKind::content) || mark == nullptr || past_the_mark) return;
  const auto& then = mark->selected ? mark->selected->content : mark->content;
  prober.probe("restored_content", [&] { evidence.restored_content = verify::probe_content(cluster, &then); });
}

// The ledger lies in the load's database, which a restore of another one does not have.
bool has_ledger(const Context& context, const SourceSide& source) {
  const auto& database = context.plan.scenario.restore.partial.database;
  return database.empty() || database == source.dataset().load_database;
}

void examine_target(const Context& context, const SourceSide& source, const restore::Target& target,
                    const Recovery& recovery, Prober& prober, record::Evidence& evidence) {
  const auto cluster = view_of(context, recovery.server, source.dataset().load_database);
  const auto options = tools(context, recovery.server.options().installation);
  if (has_ledger(context, source)) {
    prober.probe("ledger", [&] { evidence.ledger = verify::probe_ledger(cluster); });
  }
  prober.probe("commit_order", [&] {
    if (has_ledger(context, source) && !evidence.ledger) {
      throw base::Error(base::ErrorKind::server, "the ledger's rows could not be read");
    }
    evidence.commit_order = verify::probe_commit_order(options, witness_of(source, target), cluster,
                                                       evidence.ledger.value_or(record::LedgerRows{}));
    evidence.commit_order->acknowledged_lsn = source.acknowledged_lsn();
  });
  probe_restored_content(context, source, cluster, prober, evidence);
  prober.probe("isolation",
               [&] { evidence.isolation = verify::probe_isolation(recovery.server, source.origin().wal_socket); });
  probe_database(context, recovery.server, cluster, prober, evidence);
}

}  // namespace

const record::Mark* describing_mark(const Context& context, const SourceSide& source) {
  const auto name = scenario::mark_describing_target(context.plan.scenario);
  const auto& marks = source.marks();
  const auto found = std::find_if(marks.begin(), marks.end(), [&](const auto& mark) { return mark.name == name; });
  return found == marks.end() ? nullptr : &*found;
}

void probe_at_mark(const verify::Cluster& cluster, const record::Mark& mark, record::Evidence& evidence) {
  if (mark.selected) {
    evidence.selected = verify::probe_selected(cluster, &mark.selected->content);
  } else {
    evidence.content = verify::probe_content(cluster, &mark.content);
  }
}

verify::WitnessWal witness_of(const SourceSide& source, const restore::Target& target) {
  // A backup's own point lies on its timeline; every other target is looked for along the newest.
  const auto& backups = source.backups();
  const auto timeline = target.stop == restore::Stop::immediate
                            ? backups.back().timeline
                            : verify::newest_timeline(source.witness_directory(), backups.front().timeline);
  verify::WitnessWal witness{source.witness_directory(), backups.front().start_lsn, timeline};
  if (target.stop == restore::Stop::lsn) witness.target_lsn = target.value;
  return witness;
}

record::Evidence examine(const Context& context, const SourceSide& source, Recovery& recovery,
                         const restore::Target& target, record::Evidence before) {
  auto evidence = std::move(before);
  Prober prober(context, evidence);
  // Two clusters that do not know of each other: examined at the same time.
  base::for_each_in_parallel(2, 2, [&](std::size_t which) {
    if (which == 0) examine_target(context, source, target, recovery, prober, evidence);
    if (which == 1) {
      examine_second_copy(context, source, target, recovery.server.options().installation, prober, evidence);
    }
  });
  record::write_evidence(context.directory.path(), evidence);
  return evidence;
}

}  // namespace harness::drill
