#include "harness/measure/exactness.hpp"

#include <algorithm>
#include <unordered_set>

#include "harness/measure/ledger_index.hpp"

namespace harness::measure {

using reports::record::CommitOrderEvidence;
using reports::record::Exactness;
using reports::record::LedgerTransaction;

namespace {

using backup_engine::postgres::Lsn;

// Which commits the target asks for, by where their records start.
class Asked {
 public:
  Asked(const CommitOrderEvidence& order, const std::optional<std::string>& target_lsn)
      : end_(position_of(target_lsn.value_or(order.reached_lsn), "the point to reach")) {
    if (target_lsn || order.acknowledged_lsn.empty()) return;
    // Whole by then is a commit before the next record's start; the last record's end is not known.
    const auto durable = position_of(order.acknowledged_lsn, "the point that the WAL receiver acknowledged");
    for (const auto& record : order.records) {
      if (record.end_lsn.empty() || position_of(record.end_lsn, "a commit record's end") > durable) continue;
      end_ = std::max(end_, position_of(record.end_lsn, "a commit record's end"));
    }
  }
  [[nodiscard]] bool operator()(Lsn start) const { return start < end_; }

 private:
  Lsn end_;
};

}  // namespace

Exactness measure_exactness(const CommitOrderEvidence& order, const std::vector<LedgerTransaction>& ledger,
                            const std::optional<std::string>& target_lsn) {
  const CommitPositions positions(order.records);
  const auto reached = position_of(order.reached_lsn, "the point that recovery reached");
  const Asked asked(order, target_lsn);
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
    if (position && asked(*position)) expected.insert(transaction.xid);
  }
  exactness.expected = expected.size();
  for (const auto xid : expected) *exactness.missing += present.contains(xid) ? 0U : 1U;
  for (const auto xid : present) *exactness.extra += expected.contains(xid) ? 0U : 1U;
  const bool far_enough = !target_lsn || reached >= position_of(*target_lsn, "the point to reach");
  if (witnessed || !present.empty()) exactness.met = *exactness.missing == 0 && *exactness.extra == 0 && far_enough;
  return exactness;
}

}  // namespace harness::measure
