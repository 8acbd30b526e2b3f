#include "harness/measure/exactness.hpp"

#include <unordered_set>

#include "harness/measure/ledger_index.hpp"

namespace harness::measure {

using reports::record::CommitOrderEvidence;
using reports::record::Exactness;
using reports::record::LedgerTransaction;

Exactness measure_exactness(const CommitOrderEvidence& order, const std::vector<LedgerTransaction>& ledger,
                            const std::optional<std::string>& must_reach_lsn) {
  const CommitPositions positions(order.records);
  const auto reached = position_of(order.reached_lsn, "the point that recovery reached");
  Exactness exactness;
  exactness.witness = order.witness;
  exactness.expected = exactness.missing = exactness.extra = 0;
  const std::unordered_set<std::uint64_t> present(order.xids_present.begin(), order.xids_present.end());
  std::unordered_set<std::uint64_t> expected;
  bool witnessed = false;
  // In-doubt transactions are in the ledger as well: the WAL says whether they committed.
  for (const auto& transaction : ledger) {
    const auto position = positions.of(transaction.xid);
    witnessed = witnessed || position;
    if (position && *position < reached) expected.insert(transaction.xid);
  }
  exactness.expected = expected.size();
  for (const auto xid : expected) *exactness.missing += present.contains(xid) ? 0U : 1U;
  for (const auto xid : present) *exactness.extra += expected.contains(xid) ? 0U : 1U;
  const bool far_enough = !must_reach_lsn || reached >= position_of(*must_reach_lsn, "the point to reach");
  if (witnessed || !present.empty()) exactness.met = *exactness.missing == 0 && *exactness.extra == 0 && far_enough;
  return exactness;
}

}  // namespace harness::measure
