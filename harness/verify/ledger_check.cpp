// The ledger, judged as sets. Loss by itself is measured (RPO) and not a failure here; rows that no crash can explain
// are.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "harness/verify/checks.hpp"

namespace harness::verify {

using backup_engine::postgres::parse_lsn;
using reports::record::Check;
using reports::record::Finding;
using reports::record::LedgerOutcome;
using reports::record::LedgerRow;
using reports::record::LedgerTransaction;

namespace {

using Rows = std::unordered_map<std::int64_t, std::vector<const LedgerRow*>>;

std::string time_text(std::int64_t microseconds) {
  return backup_engine::base::to_rfc3339(backup_engine::base::UtcTime(std::chrono::microseconds(microseconds)));
}

// A ledger id is the harness's own number and no value of the user's, so it may stand in a report.
Finding finding(std::int64_t id, std::uint64_t xid, std::string time, std::string text) {
  return {"lifeboat.ledger", std::to_string(id), "", std::to_string(xid), std::move(time), std::move(text)};
}

// Of a partial restore: transactions whose commit lies past the point that the restored tables stand at. What these
// left there was given up knowingly, so their business rows need not be whole.
class GivenUp {
 public:
  explicit GivenUp(const reports::record::Evidence& evidence) {
    if (!evidence.selected || !evidence.commit_order) return;
    const auto reached = parse_lsn(evidence.commit_order->reached_lsn);
    for (const auto& record : evidence.commit_order->records) {
      const auto position = parse_lsn(record.lsn);
      if (reached && position && *position >= *reached) xids_.insert(record.xid);
    }
  }
  [[nodiscard]] bool contains(std::uint64_t xid) const { return xids_.contains(static_cast<std::uint32_t>(xid)); }

 private:
  std::unordered_set<std::uint32_t> xids_;
};

void find_impossible_rows(const std::vector<LedgerTransaction>& ledger, const Rows& rows, const GivenUp& given_up,
                          Check& check) {
  std::unordered_map<std::int64_t, const LedgerTransaction*> attempted;
  for (const auto& transaction : ledger) attempted[transaction.id] = &transaction;
  for (const auto& [id, found] : rows) {
    const auto& row = *found.front();
    if (found.size() > 1) {
      check.findings.push_back(
          finding(id, row.xid, "", fmt::format("duplicated: the row is there {} times", found.size())));
    }
    const auto known = attempted.find(id);
    if (known == attempted.end()) {
      check.findings.push_back(finding(id, row.xid, "", "unexpected: nobody attempted this transaction"));
    } else if (known->second->outcome == LedgerOutcome::aborted) {
      check.findings.push_back(finding(id, row.xid, time_text(known->second->sent_microseconds),
                                       "unexpected: PostgreSQL reported that this transaction was rolled back"));
    } else if (known->second->digest != row.digest) {
      check.findings.push_back(finding(id, row.xid, "", "changed: the row's digest is not the one that was committed"));
    }
    for (const auto* each : found) {
      if (each->recomputed_digest.empty() || each->recomputed_digest == each->digest) continue;
      if (given_up.contains(each->xid)) continue;
      check.findings.push_back(
          finding(id, each->xid, "", "changed: the transaction's business rows do not give its digest any more"));
    }
  }
}

// A lost transaction must be later in WAL than every one that is there: a commit that was sent after another was
// answered lies behind it.
void find_holes_by_time(const std::vector<LedgerTransaction>& lost, const std::vector<LedgerTransaction>& ledger,
                        const Rows& rows, Check& check) {
  std::int64_t last_sent = 0;
  for (const auto& transaction : ledger) {
    if (rows.contains(transaction.id)) last_sent = std::max(last_sent, transaction.sent_microseconds);
  }
  for (const auto& transaction : lost) {
    if (transaction.answered_microseconds >= last_sent) continue;
    check.findings.push_back(
        finding(transaction.id, transaction.xid, time_text(transaction.sent_microseconds),
                "lost from the middle: a transaction that was sent after its acknowledgement is there"));
  }
}

// With witness WAL the order is known record by record.
void find_holes_by_wal(const std::vector<LedgerTransaction>& lost, const reports::record::CommitOrderEvidence& order,
                       Check& check) {
  const auto reached = parse_lsn(order.reached_lsn);
  if (!reached) return;
  std::unordered_map<std::uint32_t, std::string> commits;
  for (const auto& record : order.records) {
    if (record.committed) commits[record.xid] = record.lsn;
  }
  for (const auto& transaction : lost) {
    const auto commit = commits.find(static_cast<std::uint32_t>(transaction.xid));
    if (commit == commits.end()) continue;
    const auto position = parse_lsn(commit->second);
    if (!position || *position >= *reached) continue;
    auto hole = finding(transaction.id, transaction.xid, time_text(transaction.sent_microseconds),
                        "lost from the middle: its commit lies before the point that recovery reached");
    hole.lsn = commit->second;
    check.findings.push_back(std::move(hole));
  }
}

void keep_one_finding_a_row(Check& check) {
  std::stable_sort(check.findings.begin(), check.findings.end(),
                   [](const Finding& a, const Finding& b) { return std::stoll(a.key) < std::stoll(b.key); });
  const auto same = [](const Finding& a, const Finding& b) {
    return a.key == b.key && a.text.substr(0, 8) == b.text.substr(0, 8);
  };
  check.findings.erase(std::unique(check.findings.begin(), check.findings.end(), same), check.findings.end());
}

}  // namespace

Check check_ledger(const Records& records) {
  Check check;
  check.witness = "ledger";
  if (!records.ledger) {
    check.summary = "not examined: the drill kept no ledger";
    return check;
  }
  Rows rows;
  for (const auto& row : records.evidence.ledger->rows) rows[row.id].push_back(&row);
  std::vector<LedgerTransaction> lost;
  std::uint64_t acknowledged = 0;
  for (const auto& transaction : *records.ledger) {
    if (transaction.outcome != LedgerOutcome::acknowledged) continue;
    ++acknowledged;
    if (!rows.contains(transaction.id)) lost.push_back(transaction);
  }
  find_impossible_rows(*records.ledger, rows, GivenUp(records.evidence), check);
  if (records.evidence.commit_order) find_holes_by_wal(lost, *records.evidence.commit_order, check);
  find_holes_by_time(lost, *records.ledger, rows, check);
  keep_one_finding_a_row(check);
  check.expected = fmt::format("{} acknowledged", acknowledged);
  check.actual = fmt::format("{} present, {} absent from the end", acknowledged - lost.size(), lost.size());
  const bool ordered = records.evidence.commit_order && parse_lsn(records.evidence.commit_order->reached_lsn);
  // Without one row and without commit order nothing says whether all of it was lost or none was due.
  conclude(check, rows.empty() && !ordered ? 0 : records.ledger->size(), "transactions of the ledger");
  return check;
}

}  // namespace harness::verify
