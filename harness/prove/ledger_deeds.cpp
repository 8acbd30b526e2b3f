// Commits that should be there and are not, or are and should not: what an inexact recovery leaves.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "harness/faults/bypass_rules.hpp"
#include "harness/prove/deeds.hpp"
#include "harness/prove/victims.hpp"

namespace harness::prove {

using backup_engine::postgres::Connection;
using reports::record::LedgerOutcome;
using reports::record::LedgerTransaction;

namespace {

constexpr const char* ledger_table = "lifeboat.ledger";

std::unordered_set<std::int64_t> ids_present(Surroundings& surroundings) {
  std::unordered_set<std::int64_t> ids;
  for (const auto& row : surroundings.connection.query("SELECT id FROM lifeboat.ledger")) {
    ids.insert(std::stoll(row[0].value_or("0")));
  }
  return ids;
}

// Acknowledged and there, the newest first, without those that another deed is about.
std::vector<const LedgerTransaction*> recovered_transactions(Surroundings& surroundings) {
  const auto present = ids_present(surroundings);
  std::vector<const LedgerTransaction*> found;
  for (const auto& transaction : surroundings.ledger) {
    if (transaction.outcome != LedgerOutcome::acknowledged || !present.contains(transaction.id)) continue;
    if (!surroundings.claimed_transactions.contains(transaction.id)) found.push_back(&transaction);
  }
  std::sort(found.begin(), found.end(),
            [](const auto* a, const auto* b) { return a->sent_microseconds > b->sent_microseconds; });
  return found;
}

Deed about(std::int64_t id, std::string words, std::string statement) {
  Deed deed;
  deed.traces["ledger"] = {ledger_table, std::move(words), std::to_string(id)};
  deed.in_database = [statement = std::move(statement)](Connection& connection) {
    faults::bypass_rules(connection, statement);
  };
  return deed;
}

// By its number in the ledger, and by its xid where the order of commits is judged.
void add_xid(Deed& deed, std::int64_t id, std::uint64_t xid, std::string kind, std::string deviation) {
  const auto transaction = fmt::format("transaction {}", xid);
  deed.traces["commit_order"] = {transaction, std::move(kind), std::to_string(id)};
  if (!deviation.empty()) deed.traces["exactness"] = {transaction, std::move(deviation)};
}

}  // namespace

Deed lose_a_business_row(Surroundings& surroundings) {
  const auto recovered = recovered_transactions(surroundings);
  if (recovered.empty()) return impossible("no transaction of the ledger is there");
  const auto sources = surroundings.connection.query(
      "SELECT t.oid, t.oid::regclass::text FROM lifeboat.effect_sources AS s JOIN pg_class AS t ON t.oid = "
      "to_regclass(s.relation) ORDER BY 2");
  for (const auto& source : sources) {
    if (surroundings.claimed.contains(source[0].value_or(""))) continue;
    const auto row = surroundings.connection.query(fmt::format(
        "SELECT ledger_id, tableoid, ctid::text FROM {} WHERE ledger_id > 0 AND ledger_id IN (SELECT id FROM "
        "lifeboat.ledger) ORDER BY ledger_id DESC LIMIT 1",
        source[1].value_or("")));
    if (row.empty()) continue;
    const auto id = std::stoll(row[0][0].value_or("0"));
    const bool known =
        std::any_of(recovered.begin(), recovered.end(), [&](const auto* each) { return each->id == id; });
    if (!known) continue;
    claim(surroundings, source[0].value_or(""));
    surroundings.claimed_transactions.insert(id);
    return about(id, "changed",
                 fmt::format("DELETE FROM {} WHERE tableoid = {} AND ctid = '{}'", source[1].value_or(""),
                             row[0][1].value_or("0"), row[0][2].value_or("")));
  }
  return impossible("no table that is left holds a row of the ledger's transactions");
}

Deed lose_the_last_commit(Surroundings& surroundings) {
  const auto recovered = recovered_transactions(surroundings);
  if (recovered.empty()) return impossible("no transaction of the ledger is there");
  const auto& last = *recovered.front();
  surroundings.claimed_transactions.insert(last.id);
  auto deed = about(last.id, "lost from the middle", fmt::format("DELETE FROM lifeboat.ledger WHERE id = {}", last.id));
  add_xid(deed, last.id, last.xid, "lost", "missing");
  return deed;
}

Deed add_a_commit(Surroundings& surroundings) {
  std::int64_t id = 0;
  std::uint64_t xid = 0;
  for (const auto& transaction : surroundings.ledger) {
    id = std::max(id, transaction.id);
    xid = std::max(xid, transaction.xid);
  }
  if (id == 0) return impossible("the drill kept no ledger");
  id += 1000, xid += 1'000'000;  // nobody's, also in the WAL
  auto deed = about(
      id, "nobody attempted",
      fmt::format("INSERT INTO lifeboat.ledger (id, writer, xid, digest) VALUES ({}, 0, '{}', 'nobody')", id, xid));
  add_xid(deed, id, xid, "unexpected", "extra");
  return deed;
}

Deed repeat_a_commit(Surroundings& surroundings) {
  const auto recovered = recovered_transactions(surroundings);
  if (recovered.empty()) return impossible("no further transaction of the ledger is there");
  const auto& oldest = *recovered.back();
  surroundings.claimed_transactions.insert(oldest.id);
  auto deed = about(oldest.id, "duplicated",
                    fmt::format("INSERT INTO lifeboat.ledger SELECT * FROM lifeboat.ledger WHERE id = {}", oldest.id));
  add_xid(deed, oldest.id, oldest.xid, "duplicated", "");
  return deed;
}

Deed revive_a_rolled_back_transaction(Surroundings& surroundings) {
  for (const auto& transaction : surroundings.ledger) {
    if (transaction.outcome != LedgerOutcome::aborted || transaction.xid == 0) continue;
    auto deed = about(transaction.id, "rolled back",
                      fmt::format("INSERT INTO lifeboat.ledger (id, writer, xid, digest) VALUES ({}, {}, '{}', '{}')",
                                  transaction.id, transaction.writer, transaction.xid, transaction.digest));
    add_xid(deed, transaction.id, transaction.xid, "unexpected", "extra");
    return deed;
  }
  return impossible("PostgreSQL rolled none of the ledger's transactions back");
}

}  // namespace harness::prove
