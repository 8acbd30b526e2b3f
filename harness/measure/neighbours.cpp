#include "harness/measure/neighbours.hpp"

#include "harness/measure/ledger_index.hpp"

namespace harness::measure {

using backup_engine::postgres::Lsn;
using reports::record::CommitOrderEvidence;
using reports::record::CommitRecord;
using reports::record::LedgerOutcome;
using reports::record::LedgerTransaction;

namespace {

class Search {
 public:
  Search(const CommitOrderEvidence& order, Lsn stop, Lsn earliest) : stop_(stop), earliest_(earliest) {
    if (!order.acknowledged_lsn.empty()) held_ = position_of(order.acknowledged_lsn, "the point that was acknowledged");
  }

  void add(const CommitRecord& record, std::uint64_t xid, const std::string& key) {
    const auto at = position_of(record.lsn, "a commit's position");
    const Neighbour commit{xid, record.lsn, key};
    if (at < earliest_ || (held_ && end_of(record) > *held_)) return;
    if (at < stop_) {
      if (!found_.last_before || at > before_) found_.last_before = commit, before_ = at;
    } else if (!found_.first_behind || at < behind_) {
      found_.first_behind = commit, behind_ = at;
    }
  }
  [[nodiscard]] Neighbours found() const { return found_; }

 private:
  static Lsn end_of(const CommitRecord& record) {
    return position_of(record.end_lsn.empty() ? record.lsn : record.end_lsn, "a commit's end");
  }

  Lsn stop_, earliest_, before_, behind_;
  std::optional<Lsn> held_;
  Neighbours found_;
};

}  // namespace

Neighbours neighbours_of(const CommitOrderEvidence& order, const std::vector<LedgerTransaction>* ledger,
                         const StopPosition& stop, Lsn earliest) {
  if (stop.kind != StopPosition::Kind::position) return {};
  Search search(order, stop.position, earliest);
  if (ledger == nullptr) {
    for (const auto& record : order.records) {
      if (record.committed) search.add(record, record.xid, "");
    }
    return search.found();
  }
  const TransactionEnds ends(order, *ledger);
  for (const auto& transaction : *ledger) {
    const auto* const end = ends.of(transaction);
    if (transaction.outcome != LedgerOutcome::acknowledged || end == nullptr || !end->counts()) continue;
    search.add(*end->record, transaction.xid, std::to_string(transaction.id));
  }
  return search.found();
}

}  // namespace harness::measure
