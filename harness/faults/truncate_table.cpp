#include "harness/faults/truncate_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "harness/faults/victim_names.hpp"

namespace harness::faults {

using backup_engine::postgres::Connection;

namespace {

// The table, then those that CASCADE empties with it; partitions and children are counted with their parents.
std::vector<std::string> tables_emptied(Connection& connection, const Table& victim) {
  const auto rows = connection.query(
      "WITH RECURSIVE edges (target, source) AS ("
      "  SELECT confrelid, conrelid FROM pg_constraint WHERE contype = 'f'"
      "  UNION ALL SELECT inhparent, inhrelid FROM pg_inherits), "
      "hit (oid) AS (SELECT $1::oid UNION SELECT source FROM edges JOIN hit ON edges.target = hit.oid) "
      "SELECT format('%I.%I', n.nspname, c.relname) FROM hit JOIN pg_class AS c USING (oid) "
      "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r', 'p') AND (c.oid = $1::oid OR NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = "
      "c.oid "
      "AND inhparent IN (SELECT oid FROM hit))) "
      "ORDER BY c.oid <> $1::oid, 1",
      {victim.oid});
  std::vector<std::string> tables;
  for (const auto& row : rows) tables.push_back(row[0].value_or(""));
  return tables;
}

}  // namespace

// TRUNCATE counts nothing. Counted under the lock that it takes anyway, the numbers are those of its victims.
Harm truncate_table(Connection& connection, const std::string& table, const Patience& patience) {
  const auto victim = find_table(connection, table);
  const auto statement = fmt::format("TRUNCATE {} CASCADE", victim.name);
  return harm_in_one_transaction(connection, statement, patience, [&] {
    const auto tables = tables_emptied(connection, victim);
    connection.execute(fmt::format("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", fmt::join(tables, ", ")));
    std::vector<std::string> emptied;
    bool any = false;
    for (const auto& each : tables) {
      const auto rows = connection.query("SELECT count(*) FROM " + each).single();
      any = any || rows != "0";
      emptied.push_back(fmt::format("{} rows of {}", rows, each));
    }
    if (!any) throw harmed_nothing(statement);
    connection.execute(statement);
    return fmt::format("{}: {}", statement, fmt::join(emptied, ", "));
  });
}

}  // namespace harness::faults
