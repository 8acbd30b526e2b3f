// The check `commit_order`: names the transactions behind the numbers of RPO and exactness, each with its xid, LSN and
// time (docs/checks.md, "commit_order"). Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "harness/measure/exactness.hpp"
#include "harness/measure/rpo.hpp"
#include "harness/measure/stop_position.hpp"
#include "reports/record/check.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/ledger.hpp"

namespace harness::measure {

inline constexpr const char* commit_order_check = "commit_order";
inline constexpr std::size_t listed_findings = 100;  // of all that there are; the summary says how many these are

// Where recovery had to end, and what measure_exactness() or measure_transaction_exactness() made of it.
struct JudgedOrder {
  const reports::record::CommitOrderEvidence& order;
  const StopPosition& stop;
  const reports::record::Exactness& exact;
};

// Did recovery end on a timeline that is not the target's? That is another history, whatever the transactions say.
// Throws base::Error(corrupt) for an LSN that is none.
[[nodiscard]] bool ended_on_another_timeline(const JudgedOrder& judged);

// What the target's ledger rows and the ledger say. loss: nullptr where nothing says what was asked for; then only what
// the WAL asks for is lost. Fails for what is missing, extra, unexpected or duplicated, and for a recovery that ended
// elsewhere; what was lost behind the end of recovery, and what was never answered, is listed and no failure.
// Throws base::Error(corrupt) for an LSN that is none.
[[nodiscard]] reports::record::Check check_commit_order(const JudgedOrder& judged,
                                                        const std::vector<reports::record::LedgerTransaction>& ledger,
                                                        const reports::record::LedgerRows& rows,
                                                        const RpoQuestion* loss);

// Of a cluster without a ledger: what PostgreSQL says of each transaction.
[[nodiscard]] reports::record::Check check_transaction_statuses(const JudgedOrder& judged);

}  // namespace harness::measure
