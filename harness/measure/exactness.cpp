#include "harness/measure/exactness.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "harness/measure/ledger_index.hpp"

namespace harness::measure {

using backup_engine::postgres::Lsn;
using reports::record::CommitOrderEvidence;
using reports::record::Exactness;
using reports::record::LedgerTransaction;

Lsn end_of_expected(const CommitOrderEvidence& order, const StopPosition& stop) {
  if (stop.kind == StopPosition::Kind::position) return stop.position;
  auto end = position_of(order.reached_lsn, "the point that recovery reached");
  if (order.acknowledged_lsn.empty()) return end;
  const auto durable = position_of(order.acknowledged_lsn, "the point that the WAL receiver acknowledged");
  for (const auto& record : order.records) {
    if (record.end_lsn.empty()) continue;
    const auto record_end = position_of(record.end_lsn, "a commit record's end");
    if (record_end <= durable) end = std::max(end, record_end);
  }
  return end;
}

bool ended_on_the_line(const CommitOrderEvidence& order, Lsn place) {
  if (order.line.empty()) return order.records.empty() || order.records.front().timeline == order.reached_timeline;
  Lsn begin;
  for (const auto& stretch : order.line) {
    const auto end =
        stretch.end_lsn.empty() ? std::max(begin, place) : position_of(stretch.end_lsn, "where a timeline was left");
    // Recovery that ends right at a branching may tell either timeline; and one that was promoted before it tells the
    // timeline that it was to follow, not that of its last record (PostgreSQL writes so into the history file).
    if (stretch.timeline == order.reached_timeline) return place <= end;
    begin = end;
  }
  return false;
}

namespace {

// What the target asks for, and whether the witness holds any commit of the load at all.
struct Expected {
  std::set<std::uint64_t> xids;
  bool witnessed = false;
};

// In-doubt transactions are in the ledger as well: the WAL says whether they committed.
Expected expected_before(Lsn end, const CommitOrderEvidence& order, const std::vector<LedgerTransaction>& ledger) {
  const TransactionEnds ends(order, ledger);
  Expected expected;
  for (const auto& transaction : ledger) {
    const auto position = ends.commit_of(transaction);
    expected.witnessed = expected.witnessed || position;
    if (position && *position < end) expected.xids.insert(transaction.xid);
  }
  return expected;
}

Deviation deviation(const std::set<std::uint64_t>& expected, const CommitOrderEvidence& order) {
  const std::set<std::uint64_t> present(order.xids_present.begin(), order.xids_present.end());
  Deviation found;
  std::set_difference(expected.begin(), expected.end(), present.begin(), present.end(),
                      std::back_inserter(found.missing));
  std::set_difference(present.begin(), present.end(), expected.begin(), expected.end(),
                      std::back_inserter(found.extra));
  return found;
}

}  // namespace

Deviation find_deviation(const CommitOrderEvidence& order, const std::vector<LedgerTransaction>& ledger,
                         const StopPosition& stop) {
  if (stop.kind == StopPosition::Kind::unknown) return {};
  return deviation(expected_before(end_of_expected(order, stop), order, ledger).xids, order);
}

Exactness measure_exactness(const CommitOrderEvidence& order, const std::vector<LedgerTransaction>& ledger,
                            const StopPosition& stop) {
  Exactness exactness;
  exactness.witness = order.witness;
  const auto reached = position_of(order.reached_lsn, "the point that recovery reached");
  if (stop.kind == StopPosition::Kind::unknown) return exactness;
  const bool has_target = stop.kind == StopPosition::Kind::position;
  const auto end = end_of_expected(order, stop);
  const auto expected = expected_before(end, order, ledger);
  const auto found = deviation(expected.xids, order);
  exactness.expected = expected.xids.size();
  exactness.missing = found.missing.size();
  exactness.extra = found.extra.size();
  const bool ended_there =
      ended_on_the_line(order, has_target ? end : reached) && (!has_target || ended_at(reached, end));
  if (expected.witnessed || !order.xids_present.empty()) {
    exactness.met = found.missing.empty() && found.extra.empty() && ended_there;
  }
  return exactness;
}

}  // namespace harness::measure
