// Rows that got past the rules, as careless repairs, replication tools and damaged indexes leave them.
#include <fmt/format.h>

#include <optional>

#include "harness/faults/bypass_rules.hpp"
#include "harness/faults/hide_from_index.hpp"
#include "harness/prove/deeds.hpp"
#include "harness/prove/victims.hpp"

namespace harness::prove {

using backup_engine::postgres::Connection;

namespace {

struct UniqueIndex {
  std::string name, quoted, kind;
};

// The only one of its table, so that nothing else refuses the second row.
std::optional<UniqueIndex> only_unique_index(Surroundings& surroundings, const Victim& table) {
  const auto rows = surroundings.connection.query(
      "SELECT x.relname, i.indexrelid::regclass::text, i.indisprimary, a.amname, i.indpred IS NULL AND i.indexprs IS "
      "NULL, "
      "n.nspname || '.' || x.relname FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_namespace "
      "AS n ON "
      "n.oid = x.relnamespace JOIN pg_am AS a ON a.oid = x.relam WHERE i.indrelid = $1 AND (i.indisunique OR "
      "i.indisexclusion)",
      {table.oid});
  if (rows.size() != 1 || rows[0][3] != "btree" || rows[0][4] != "t") return std::nullopt;
  return UniqueIndex{rows[0][5].value_or(""), rows[0][1].value_or(""),
                     (rows[0][2] == "t" ? "primary key " : "unique ") + rows[0][0].value_or("")};
}

struct ForeignKey {
  std::string name, child_oid, child, parent_oid, parent, condition;
  std::string only_parent, only_child;  // "ONLY " or nothing
};

// Those that the check of constraints reads, and the tables as it reads them: whole or, where they are not partitioned,
// without the children that inherit from them.
std::vector<ForeignKey> foreign_keys(Surroundings& surroundings) {
  std::vector<ForeignKey> keys;
  const auto* const is_of_periods = surroundings.connection.server_version().major() >= 18 ? "o.conperiod" : "false";
  for (const auto& row : surroundings.connection.query(fmt::format(
           "SELECT o.conname, o.conrelid, o.conrelid::regclass::text, o.confrelid, o.confrelid::regclass::text, "
           "(SELECT string_agg(format('p.%I = c.%I', r.attname, a.attname), ' AND ') FROM unnest(o.conkey, o.confkey) "
           "AS "
           "k(child, parent) JOIN pg_attribute AS a ON a.attrelid = o.conrelid AND a.attnum = k.child JOIN "
           "pg_attribute AS r "
           "ON r.attrelid = o.confrelid AND r.attnum = k.parent), CASE f.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, "
           "CASE t.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END FROM pg_constraint AS o JOIN pg_class AS t ON t.oid = "
           "o.conrelid JOIN pg_class AS f ON f.oid = o.confrelid WHERE o.contype = 'f' AND o.conparentid = 0 AND "
           "o.convalidated AND o.conrelid <> o.confrelid AND NOT {} AND {} AND {} ORDER BY f.relkind DESC, t.relkind "
           "DESC, 1, 2",
           is_of_periods, made_by_somebody("o.conrelid"), made_by_somebody("o.confrelid")))) {
    keys.push_back({row[0].value_or(""), row[1].value_or(""), row[2].value_or(""), row[3].value_or(""),
                    row[4].value_or(""), row[5].value_or(""), row[6].value_or(""), row[7].value_or("")});
  }
  return keys;
}

}  // namespace

Deed orphan_a_row(Surroundings& surroundings) {
  for (const auto& key : foreign_keys(surroundings)) {
    if (surroundings.claimed.contains(key.parent_oid) || surroundings.claimed.contains(key.child_oid)) continue;
    const auto referred = fmt::format("{}{} AS p JOIN {}{} AS c ON {}", key.only_parent, key.parent, key.only_child,
                                      key.child, key.condition);
    const auto found =
        surroundings.connection.query(fmt::format("SELECT p.tableoid, p.ctid::text, n.nspname || '.' || t.relname FROM "
                                                  "{} JOIN pg_class AS t ON t.oid = p.tableoid JOIN "
                                                  "pg_namespace AS n ON n.oid = t.relnamespace LIMIT 1",
                                                  referred));
    if (found.empty()) continue;
    claim(surroundings, key.parent_oid);
    claim(surroundings, key.child_oid);
    Deed deed;
    deed.traces["constraints"] = {key.child, "foreign key " + key.name};
    deed.traces["content"] = {found[0][2].value_or(""), "rows differ"};
    deed.in_database = [statement = fmt::format("DELETE FROM {} WHERE tableoid = {} AND ctid = '{}'", key.parent,
                                                found[0][0].value_or("0"), found[0][1].value_or(""))](
                           Connection& connection) { faults::bypass_rules(connection, statement); };
    return deed;
  }
  return impossible("no row is referred to by a foreign key");
}

Deed duplicate_a_row(Surroundings& surroundings) {
  for (const auto& table : tables_to_harm(surroundings)) {
    if (table.partition) continue;  // its index is judged as its root's
    const auto index = only_unique_index(surroundings, table);
    const auto place = place_of_a_row(surroundings, table);
    if (!index || !place) continue;
    claim(surroundings, table.oid);
    const auto columns = columns_to_copy(surroundings, table.oid);
    Deed deed;
    deed.traces["constraints"] = {table.quoted, index->kind};
    deed.traces["amcheck"] = {"." + index->name, "lacks matching index tuple"};
    deed.traces["content"] = {table.name, "rows differ"};
    const auto statement = fmt::format(
        "SET session_replication_role = replica; INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM ONLY "
        "{0} "
        "WHERE ctid = '({2},{3})'; RESET session_replication_role",
        table.quoted, columns, place->block, place->line_pointer);
    deed.in_database = [statement, name = index->quoted](Connection& connection) {
      faults::hide_from_index(connection, name, statement);
    };
    return deed;
  }
  return impossible("no table that is left has rows and just one unique index, a B-tree over columns");
}

}  // namespace harness::prove
