#include "harness/measure/ledger_index.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"

namespace harness::measure {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Lsn;
using reports::record::CommitOrderEvidence;
using reports::record::CommitRecord;
using reports::record::LedgerTransaction;

Lsn position_of(const std::string& lsn, const char* what) {
  const auto position = backup_engine::postgres::parse_lsn(lsn);
  if (!position) throw Error(ErrorKind::corrupt, fmt::format("{} is no LSN: '{}'", what, lsn));
  return *position;
}

namespace {

using Ends = std::unordered_map<std::uint32_t, std::vector<TransactionEnd>>;

void add(Ends& ends, const std::vector<CommitRecord>& records, bool abandoned) {
  for (const auto& record : records) {
    auto& of_xid = ends[record.xid];
    const bool known = std::any_of(of_xid.begin(), of_xid.end(),
                                   [&](const TransactionEnd& end) { return end.abandoned == abandoned; });
    if (known) continue;
    of_xid.push_back({&record, position_of(record.lsn, "a commit record's position"), abandoned});
  }
}

// How far the stamp lies outside of the time in which COMMIT was under way.
std::int64_t distance(const CommitRecord& record, const LedgerTransaction& transaction) {
  const auto stamped = backup_engine::base::parse_rfc3339(record.time);
  if (!stamped) return 0;
  const std::int64_t at = stamped->time_since_epoch().count();
  const auto last = std::max(transaction.answered_microseconds, transaction.sent_microseconds);
  return std::max<std::int64_t>({0, transaction.sent_microseconds - at, at - last});
}

struct Pair {
  std::int64_t distance;
  const LedgerTransaction* transaction;
  const TransactionEnd* end;
};

}  // namespace

TransactionEnds::TransactionEnds(const CommitOrderEvidence& order, const std::vector<LedgerTransaction>& ledger) {
  Ends ends;
  ends.reserve(order.records.size());
  add(ends, order.records, false);
  add(ends, order.abandoned, true);
  std::unordered_map<std::uint32_t, std::vector<const LedgerTransaction*>> attempts;
  attempts.reserve(ledger.size());
  for (const auto& transaction : ledger) attempts[static_cast<std::uint32_t>(transaction.xid)].push_back(&transaction);
  for (const auto& [xid, transactions] : attempts) {
    const auto found = ends.find(xid);
    if (found == ends.end()) continue;
    std::vector<Pair> pairs;
    for (const auto* transaction : transactions) {
      for (const auto& end : found->second) pairs.push_back({distance(*end.record, *transaction), transaction, &end});
    }
    std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.distance < b.distance; });
    std::vector<const TransactionEnd*> taken;
    for (const auto& pair : pairs) {
      if (std::find(taken.begin(), taken.end(), pair.end) != taken.end()) continue;
      if (ends_.emplace(pair.transaction, *pair.end).second) taken.push_back(pair.end);
    }
  }
}

const TransactionEnd* TransactionEnds::of(const LedgerTransaction& transaction) const {
  const auto found = ends_.find(&transaction);
  return found == ends_.end() ? nullptr : &found->second;
}

std::optional<Lsn> TransactionEnds::commit_of(const LedgerTransaction& transaction) const {
  const auto* const end = of(transaction);
  return end != nullptr && end->counts() ? std::optional(end->position) : std::nullopt;
}

}  // namespace harness::measure
