#include "harness/measure/restored_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "harness/measure/commit_order_check.hpp"
#include "harness/measure/ledger_index.hpp"

namespace harness::measure {

using reports::record::Check;
using reports::record::CommitOrderEvidence;
using reports::record::Exactness;
using reports::record::Finding;
using reports::record::LedgerOutcome;
using reports::record::LedgerTransaction;
using reports::record::Rpo;
using reports::record::SelectedTables;
using reports::record::Verdict;

namespace {

using Ids = std::set<std::int64_t>;

Ids all_ids(const SelectedTables& tables) {
  Ids ids;
  for (const auto& [table, of_table] : tables.ledger_ids) ids.insert(of_table.begin(), of_table.end());
  return ids;
}

// Calls visit(table, id) for each transaction that has rows in a table of `these` and none in the same one of `those`.
template <typename Visit>
void for_each_absent(const SelectedTables& these, const SelectedTables& those, const Visit& visit) {
  for (const auto& [table, of_table] : these.ledger_ids) {
    const auto other = those.ledger_ids.find(table);
    for (const auto id : of_table) {
      const bool there =
          other != those.ledger_ids.end() && std::binary_search(other->second.begin(), other->second.end(), id);
      if (!there) visit(table, id);
    }
  }
}

Ids absent(const SelectedTables& these, const SelectedTables& those) {
  Ids ids;
  for_each_absent(these, those, [&](const std::string&, std::int64_t id) { ids.insert(id); });
  return ids;
}

}  // namespace

Rpo measure_partial_rpo(const RestoredTables& tables, const std::vector<LedgerTransaction>& ledger,
                        std::int64_t mark_microseconds, std::optional<double> objective_seconds) {
  const auto then = all_ids(tables.then);
  const auto missing = absent(tables.then, tables.now);
  auto unexplained = all_ids(tables.now);
  std::optional<std::int64_t> first_lost;
  Rpo rpo;
  rpo.acknowledged = rpo.recovered = rpo.lost = rpo.indeterminate = 0;
  for (const auto& transaction : ledger) {
    if (transaction.outcome != LedgerOutcome::aborted) unexplained.erase(transaction.id);
    if (!then.contains(transaction.id)) continue;
    if (transaction.outcome == LedgerOutcome::unknown) ++*rpo.indeterminate;
    if (transaction.outcome != LedgerOutcome::acknowledged) continue;
    ++*rpo.acknowledged;
    if (!missing.contains(transaction.id)) {
      ++*rpo.recovered;
    } else {
      ++*rpo.lost;
      first_lost = std::min(first_lost.value_or(transaction.sent_microseconds), transaction.sent_microseconds);
    }
  }
  rpo.unexpected = unexplained.size();
  rpo.objective_seconds = objective_seconds;
  if (first_lost) {
    rpo.loss_seconds = static_cast<double>(std::max<std::int64_t>(0, mark_microseconds - *first_lost)) / 1e6;
  } else if (tables.alike) {
    rpo.loss_seconds = 0;
  }
  if (objective_seconds && rpo.loss_seconds) rpo.met = *rpo.loss_seconds <= *objective_seconds;
  return rpo;
}

Exactness measure_partial_exactness(const RestoredTables& tables) {
  Exactness exactness;
  exactness.witness = "mark";
  exactness.expected = all_ids(tables.then).size();
  exactness.missing = absent(tables.then, tables.now).size();
  exactness.extra = absent(tables.now, tables.then).size();
  // Of tables that held no row nothing can have come back.
  const bool some_rows =
      *exactness.expected > 0 || std::any_of(tables.then.content.tables.begin(), tables.then.content.tables.end(),
                                             [](const auto& table) { return table.rows > 0; });
  if (!some_rows && tables.alike && *exactness.missing + *exactness.extra == 0) return exactness;
  exactness.met = tables.alike && *exactness.missing == 0 && *exactness.extra == 0;
  return exactness;
}

namespace {

class TableFindings {
 public:
  TableFindings(const std::vector<LedgerTransaction>& ledger, const CommitOrderEvidence& order) : ends_(order, ledger) {
    for (const auto& transaction : ledger) attempted_.emplace(transaction.id, &transaction);
  }

  void add_lost(const std::string& table, std::int64_t id) {
    add(table, id, "lost: its rows were there at the mark and are not any more");
  }
  void add_extra(const std::string& table, std::int64_t id) {
    const auto known = attempted_.find(id);
    if (known == attempted_.end()) {
      add(table, id, "unexpected: its rows are there and nobody attempted it");
    } else if (known->second->outcome == LedgerOutcome::aborted) {
      add(table, id, "unexpected: its rows are there, and PostgreSQL had reported that it was rolled back");
    } else {
      add(table, id, "extra: its rows are there and were not at the mark");
    }
  }
  [[nodiscard]] std::vector<Finding>& all() { return all_; }

 private:
  void add(const std::string& table, std::int64_t id, const char* text) {
    Finding finding;
    finding.object = table;
    finding.key = std::to_string(id);
    finding.text = text;
    if (const auto known = attempted_.find(id); known != attempted_.end()) {
      finding.xid = std::to_string(known->second->xid);
      if (const auto* const end = ends_.of(*known->second)) {
        finding.lsn = end->record->lsn;
        finding.time = end->record->time;
      }
    }
    all_.push_back(std::move(finding));
  }

  TransactionEnds ends_;
  std::unordered_map<std::int64_t, const LedgerTransaction*> attempted_;
  std::vector<Finding> all_;
};

}  // namespace

std::optional<Check> check_restored_transactions(const RestoredTables& tables,
                                                 const std::vector<LedgerTransaction>& ledger,
                                                 const CommitOrderEvidence& order, const std::string& ended_elsewhere) {
  TableFindings findings(ledger, order);
  if (!ended_elsewhere.empty()) {
    findings.all().push_back({"recovery", "", order.reached_lsn, "", "", "ended elsewhere: " + ended_elsewhere});
  }
  for_each_absent(tables.then, tables.now, [&](const auto& table, auto id) { findings.add_lost(table, id); });
  for_each_absent(tables.now, tables.then, [&](const auto& table, auto id) { findings.add_extra(table, id); });
  const auto expected = all_ids(tables.then).size();
  Check check;
  check.name = commit_order_check;
  check.witness = "mark";
  check.findings = std::move(findings.all());
  if (!check.findings.empty()) {
    const auto& first = check.findings.front();
    check.verdict = Verdict::fail;
    check.summary =
        fmt::format("{} finding{} over {} transactions of the restored tables, first: {}: {}", check.findings.size(),
                    check.findings.size() == 1 ? "" : "s", expected, first.object, first.text);
    if (check.findings.size() > listed_findings) {
      check.summary += fmt::format("; the first {} are listed", listed_findings);
      check.findings.resize(listed_findings);
    }
  } else if (expected == 0) {
    return std::nullopt;
  } else {
    check.verdict = Verdict::pass;
    check.summary = fmt::format("all {} transactions of the restored tables are there, and no other", expected);
  }
  return check;
}

}  // namespace harness::measure
