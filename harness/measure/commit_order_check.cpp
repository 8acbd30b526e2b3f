#include "harness/measure/commit_order_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "backup_engine/base/utc_time.hpp"
#include "harness/measure/ledger_index.hpp"
#include "harness/measure/prepared_transactions.hpp"
#include "harness/measure/transaction_exactness.hpp"

namespace harness::measure {

using backup_engine::postgres::Lsn;
using reports::record::Check;
using reports::record::Finding;
using reports::record::LedgerOutcome;
using reports::record::LedgerRows;
using reports::record::LedgerTransaction;
using reports::record::Verdict;

namespace {

std::string time_text(std::int64_t microseconds) {
  return backup_engine::base::to_rfc3339(backup_engine::base::UtcTime(std::chrono::microseconds(microseconds)));
}

// What is wrong, and what is merely to be told; both in the order of the WAL, what is in no WAL last.
struct Listed {
  std::vector<Finding> wrong, told;

  void sort() {
    for (auto* findings : {&wrong, &told}) {
      std::stable_sort(findings->begin(), findings->end(), [](const Finding& a, const Finding& b) {
        if (a.lsn.empty() || b.lsn.empty()) return !a.lsn.empty() && b.lsn.empty();
        return position_of(a.lsn, "a finding's place") < position_of(b.lsn, "a finding's place");
      });
    }
  }
};

// The ledger's transactions one by one, each named once: by the worst that can be said of it.
class LedgerAccount {
 public:
  LedgerAccount(const JudgedOrder& judged, const std::vector<LedgerTransaction>& ledger, const LedgerRows& rows,
                const RpoQuestion* loss)
      : order_(judged.order),
        ends_(judged.order, ledger),
        end_(end_of_expected(judged.order, judged.stop)),
        present_(judged.order.xids_present.begin(), judged.order.xids_present.end()),
        of_(judged.stop.kind == StopPosition::Kind::position ? "before the recovery target"
                                                             : "before the end of the WAL that had to come back") {
    for (const auto& row : rows.rows) ++copies_[row.id];
    if (loss != nullptr) asked_.emplace(*loss, &judged.order, ledger);
    std::unordered_map<std::uint64_t, std::size_t> attempts;
    for (const auto& transaction : ledger) {
      if (++attempts[transaction.xid] > 1) twice_.insert(transaction.xid);
    }
  }

  void add(const LedgerTransaction& transaction) {
    attempted_.insert(transaction.id);
    attempted_xids_.insert(transaction.xid);
    const auto* const end = ends_.of(transaction);
    const auto copies = copies_.find(transaction.id);
    const auto name = [&](std::string text) { return finding(transaction, end, std::move(text)); };
    if (copies != copies_.end() && copies->second > 1) {
      listed_.wrong.push_back(name(fmt::format("duplicated: its ledger row is there {} times", copies->second)));
    }
    // Two timelines may have given one xid twice; the ledger's own number is always one transaction's.
    const bool by_xid = present_.contains(transaction.xid) && !twice_.contains(transaction.xid);
    const bool there = by_xid || copies != copies_.end();
    if (there) {
      add_present(transaction, end, name);
    } else {
      add_absent(transaction, end, name);
    }
  }

  // Once each transaction of the ledger was added.
  Listed finish(const LedgerRows& rows) {
    for (const auto& row : rows.rows) {
      if (!attempted_.insert(row.id).second) continue;
      LedgerTransaction nobodys;
      nobodys.id = row.id;
      nobodys.xid = row.xid;
      const std::vector<LedgerTransaction> alone = {nobodys};
      const TransactionEnds ends(order_, attempted_xids_.contains(row.xid) ? no_transactions_ : alone);
      listed_.wrong.push_back(finding(alone[0], ends.of(alone[0]), "unexpected: it is there and nobody attempted it"));
    }
    return std::move(listed_);
  }

 private:
  [[nodiscard]] bool is_expected(const TransactionEnd* end) const {
    return end != nullptr && end->counts() && end->position < end_;
  }

  // Where its end lies, of one that must not be there.
  static std::string whereabouts(const TransactionEnd* end, const char* behind) {
    if (end == nullptr) return "the witness WAL holds no end of it";
    if (!end->record->committed) return "the witness WAL holds its rollback";
    if (!end->abandoned) return fmt::format("its commit lies behind where recovery {}", behind);
    return fmt::format("its commit lies on timeline {}, behind where that was left", end->record->timeline);
  }

  // The time is the commit's own stamp where the WAL holds one, else when COMMIT was sent.
  static Finding finding(const LedgerTransaction& transaction, const TransactionEnd* end, std::string text) {
    Finding made;
    made.object = fmt::format("transaction {}", transaction.xid);
    made.key = std::to_string(transaction.id);
    made.xid = std::to_string(transaction.xid);
    made.text = std::move(text);
    if (end != nullptr) {
      made.lsn = end->record->lsn;
      made.time = end->record->time;
    } else if (transaction.sent_microseconds != 0) {
      made.time = time_text(transaction.sent_microseconds);
    }
    return made;
  }

  template <typename Name>
  void add_present(const LedgerTransaction& transaction, const TransactionEnd* end, const Name& name) {
    if (transaction.outcome == LedgerOutcome::aborted) {
      listed_.wrong.push_back(name("unexpected: it is there, and PostgreSQL had reported that it was rolled back"));
    } else if (!is_expected(end)) {
      listed_.wrong.push_back(name(fmt::format("extra: it is there, and {}", whereabouts(end, "had to end"))));
    } else if (transaction.outcome == LedgerOutcome::unknown) {
      listed_.told.push_back(name("indeterminate: its COMMIT was never answered; it is there, as the WAL says"));
    }
  }

  template <typename Name>
  void add_absent(const LedgerTransaction& transaction, const TransactionEnd* end, const Name& name) {
    const bool acknowledged = transaction.outcome == LedgerOutcome::acknowledged;
    if (is_expected(end)) {
      listed_.wrong.push_back(name(fmt::format("{}: its commit lies {}, and it is not there",
                                               acknowledged ? "lost: acknowledged" : "missing", of_)));
    } else if (acknowledged && asked_ && (*asked_)(transaction)) {
      listed_.told.push_back(name(fmt::format("lost: acknowledged, and not there; {}", whereabouts(end, "ended"))));
    } else if (transaction.outcome == LedgerOutcome::unknown) {
      listed_.told.push_back(name(fmt::format("indeterminate: its COMMIT was never answered; it is not there, and {}",
                                              whereabouts(end, "had to end"))));
    }
  }

  const reports::record::CommitOrderEvidence& order_;
  TransactionEnds ends_;
  Lsn end_;
  std::unordered_set<std::uint64_t> present_, attempted_xids_, twice_;
  std::unordered_set<std::int64_t> attempted_;
  std::unordered_map<std::int64_t, std::uint64_t> copies_;
  std::optional<Asked> asked_;
  const char* of_;
  const std::vector<LedgerTransaction> no_transactions_{};
  Listed listed_;
};

// "2 lost, 1 extra": the word that each text begins with.
std::string kinds_text(const std::vector<Finding>& findings) {
  std::map<std::string, std::size_t> count;
  for (const auto& finding : findings) ++count[finding.text.substr(0, finding.text.find(':'))];
  std::string text;
  for (const auto& [kind, times] : count) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", times, kind);
  return text;
}

std::string place_text(const Finding& finding) {
  auto text = finding.object;
  if (!finding.lsn.empty()) text += " at " + finding.lsn;
  if (!finding.time.empty()) text += fmt::format(" ({})", finding.time);
  return text;
}

// Recovery that ended elsewhere is wrong even when no commit lies in between.
void add_where_it_ended(const JudgedOrder& judged, Listed& listed) {
  if (judged.exact.met != false) return;
  if (!listed.wrong.empty() && !ended_on_another_timeline(judged)) return;
  const auto& order = judged.order;
  Finding ended;
  ended.object = "recovery";
  ended.lsn = order.reached_lsn;
  ended.text = judged.stop.kind == StopPosition::Kind::position
                   ? fmt::format("ended elsewhere: at {} on timeline {}, and its target lies at {}", order.reached_lsn,
                                 order.reached_timeline, to_string(judged.stop.position))
                   : fmt::format("ended elsewhere: at {} on timeline {}, and WAL that was held goes on",
                                 order.reached_lsn, order.reached_timeline);
  listed.wrong.push_back(std::move(ended));
}

void summarize(const JudgedOrder& judged, const Listed& listed, Check& check) {
  const auto expected = judged.exact.expected.value_or(0);
  if (!listed.wrong.empty()) {
    check.verdict = Verdict::fail;
    const auto& first = listed.wrong.front();
    check.summary = fmt::format("{} over {} commits that the target asks for; first: {}: {}", kinds_text(listed.wrong),
                                expected, place_text(first), first.text);
  } else if (!judged.exact.met) {
    check.verdict = Verdict::unknown;
    check.summary = judged.stop.why.empty() ? "not examined: the witness WAL holds no commit that could be looked for"
                                            : "not examined: " + judged.stop.why;
  } else {
    check.verdict = Verdict::pass;
    check.summary = fmt::format("all {} commits that the target asks for are there, and no other", expected);
  }
  if (!listed.told.empty()) check.summary += "; besides: " + kinds_text(listed.told);
  const auto all = listed.wrong.size() + listed.told.size();
  if (all > listed_findings) check.summary += fmt::format("; the first {} of {} are listed", listed_findings, all);
}

Check conclude(const JudgedOrder& judged, Listed listed) {
  if (judged.stop.kind != StopPosition::Kind::unknown) {
    auto prepared = find_wrong_prepared(judged.order, end_of_expected(judged.order, judged.stop));
    listed.wrong.insert(listed.wrong.end(), prepared.begin(), prepared.end());
  }
  listed.sort();
  Check check;
  check.name = commit_order_check;
  check.witness = judged.order.witness;
  add_where_it_ended(judged, listed);
  summarize(judged, listed, check);
  if (judged.exact.expected) {
    check.expected = fmt::format("{} commits", *judged.exact.expected);
    if (judged.stop.kind == StopPosition::Kind::position) {
      check.expected += fmt::format(", recovery ended at {}", to_string(judged.stop.position));
    }
    check.actual = fmt::format("{} missing, {} extra, recovery ended at {}", judged.exact.missing.value_or(0),
                               judged.exact.extra.value_or(0), judged.order.reached_lsn);
  }
  check.findings = std::move(listed.wrong);
  check.findings.insert(check.findings.end(), listed.told.begin(), listed.told.end());
  check.findings.resize(std::min(check.findings.size(), listed_findings));
  return check;
}

}  // namespace

bool ended_on_another_timeline(const JudgedOrder& judged) {
  if (judged.exact.met != false) return false;
  const auto reached = position_of(judged.order.reached_lsn, "the point that recovery reached");
  return !ended_on_the_line(judged.order,
                            judged.stop.kind == StopPosition::Kind::position ? judged.stop.position : reached);
}

Check check_commit_order(const JudgedOrder& judged, const std::vector<LedgerTransaction>& ledger,
                         const LedgerRows& rows, const RpoQuestion* loss) {
  if (judged.stop.kind == StopPosition::Kind::unknown) return conclude(judged, {});
  LedgerAccount account(judged, ledger, rows, loss);
  for (const auto& transaction : ledger) account.add(transaction);
  return conclude(judged, account.finish(rows));
}

Check check_transaction_statuses(const JudgedOrder& judged) {
  Listed listed;
  if (judged.stop.kind != StopPosition::Kind::unknown) listed.wrong = find_wrong_statuses(judged.order, judged.stop);
  auto check = conclude(judged, std::move(listed));
  if (check.verdict == Verdict::unknown && judged.stop.why.empty() && !judged.order.records.empty()) {
    check.summary = "not examined: PostgreSQL was not asked, or cannot say, what became of each transaction";
  }
  return check;
}

}  // namespace harness::measure
