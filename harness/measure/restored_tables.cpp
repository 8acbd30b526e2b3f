#include "harness/measure/restored_tables.hpp"

#include <algorithm>
#include <set>

namespace harness::measure {

using reports::record::Exactness;
using reports::record::LedgerOutcome;
using reports::record::LedgerTransaction;
using reports::record::Rpo;
using reports::record::SelectedTables;

namespace {

using Ids = std::set<std::int64_t>;

Ids all_ids(const SelectedTables& tables) {
  Ids ids;
  for (const auto& [table, of_table] : tables.ledger_ids) ids.insert(of_table.begin(), of_table.end());
  return ids;
}

// Transactions that have rows in a table of `these` and none in the same table of `those`.
Ids absent(const SelectedTables& these, const SelectedTables& those) {
  Ids ids;
  for (const auto& [table, of_table] : these.ledger_ids) {
    const auto other = those.ledger_ids.find(table);
    for (const auto id : of_table) {
      const bool there =
          other != those.ledger_ids.end() && std::binary_search(other->second.begin(), other->second.end(), id);
      if (!there) ids.insert(id);
    }
  }
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

}  // namespace harness::measure
