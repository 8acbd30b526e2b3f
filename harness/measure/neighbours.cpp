#include "harness/measure/neighbours.hpp"

#include "harness/measure/ledger_index.hpp"

namespace harness::measure {

using backup_engine::postgres::Lsn;
using reports::record::CommitOrderEvidence;
using reports::record::LedgerOutcome;
using reports::record::LedgerTransaction;

namespace {

class Search {
 public:
  Search(Lsn stop, Lsn earliest) : stop_(stop), earliest_(earliest) {}

  void add(Lsn at, const Neighbour& commit) {
    if (at < earliest_) return;
    if (at < stop_) {
      if (!found_.last_before || at > before_) found_.last_before = commit, before_ = at;
    } else if (!found_.first_behind || at < behind_) {
      found_.first_behind = commit, behind_ = at;
    }
  }
  [[nodiscard]] Neighbours found() const { return found_; }

 private:
  Lsn stop_, earliest_, before_, behind_;
  Neighbours found_;
};

}  // namespace

Neighbours neighbours_of(const CommitOrderEvidence& order, const std::vector<LedgerTransaction>* ledger,
                         const StopPosition& stop, Lsn earliest) {
  if (stop.kind != StopPosition::Kind::position) return {};
  Search search(stop.position, earliest);
  if (ledger == nullptr) {
    for (const auto& record : order.records) {
      if (record.committed) search.add(position_of(record.lsn, "a commit's position"), {record.xid, record.lsn, ""});
    }
    return search.found();
  }
  const TransactionEnds ends(order, *ledger);
  for (const auto& transaction : *ledger) {
    const auto* const end = ends.of(transaction);
    if (transaction.outcome != LedgerOutcome::acknowledged || end == nullptr || !end->counts()) continue;
    search.add(end->position, {transaction.xid, end->record->lsn, std::to_string(transaction.id)});
  }
  return search.found();
}

}  // namespace harness::measure
