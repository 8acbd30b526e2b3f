#include "harness/drill/commits_on_copy.hpp"

#include <algorithm>
#include <iterator>

#include "backup_engine/base/error.hpp"
#include "harness/measure/ledger_index.hpp"
#include "harness/verify/commit_order_probe.hpp"
#include "harness/verify/transaction_probe.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;

namespace {

void ask_for_statuses(const verify::Cluster& cluster, bool in_recovery, record::CommitOrderEvidence& order) {
  order.recovered_statuses.clear();
  order.paused_statuses.clear();
  if (in_recovery) {
    order.paused_statuses = verify::probe_transactions(cluster, order.records);
    return;
  }
  // Once promoted it has given the ids of what it left out to transactions of its own.
  const auto reached = measure::position_of(order.reached_lsn, "the point that the copy reached");
  std::vector<record::CommitRecord> replayed;
  std::copy_if(order.records.begin(), order.records.end(), std::back_inserter(replayed),
               [&](const auto& each) { return measure::position_of(each.lsn, "a commit's position") < reached; });
  order.recovered_statuses = verify::probe_transactions(cluster, replayed);
}

}  // namespace

bool knows_commits(const Context& context, const Specimen& specimen) {
  if (!specimen.evidence.commit_order) return false;
  return specimen.evidence.ledger || context.plan.scenario.source.stored;
}

record::CommitOrderEvidence commits_on_copy(const Context& context, const Specimen& specimen,
                                            const verify::Cluster& cluster, const record::Evidence& seen) {
  if (!specimen.evidence.commit_order) {
    throw base::Error(base::ErrorKind::not_found, "the drill could not read the order of commits");
  }
  auto order = *specimen.evidence.commit_order;
  const auto reached = verify::read_reached_point(cluster);
  order.reached_lsn = reached.lsn;
  order.reached_timeline = reached.timeline;
  const auto database = verify::scoped_database(cluster);
  const bool in_recovery = cluster.connect(database).query("SELECT pg_is_in_recovery()").single() == "t";
  order.prepared_present.reset();  // a standby does not tell
  if (!in_recovery) order.prepared_present = verify::read_prepared(cluster);
  if (context.plan.scenario.source.stored) {
    ask_for_statuses(cluster, in_recovery, order);
    return order;
  }
  if (!seen.ledger) throw base::Error(base::ErrorKind::server, "the ledger's rows could not be read");
  order.xids_present.clear();
  for (const auto& row : seen.ledger->rows) order.xids_present.push_back(row.xid);
  std::sort(order.xids_present.begin(), order.xids_present.end());
  return order;
}

}  // namespace harness::drill
