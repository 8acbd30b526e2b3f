// What PostgreSQL says became of the transactions whose ends the WAL holds: the witness that a cluster without a ledger
// has (docs/checks.md, "Exactness without a ledger").
#pragma once

#include <vector>

#include "harness/verify/cluster.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

// pg_xact_status() of each record's transaction and its subtransactions, in their order, on a promoted server or a
// paused one. Ask a promoted server only of records that recovery replayed: it gives the ids of those that it left out
// to transactions of its own. Throws base::Error.
[[nodiscard]] std::vector<reports::record::TransactionStatus> probe_transactions(
    const Cluster& cluster, const std::vector<reports::record::CommitRecord>& records);

}  // namespace harness::verify
