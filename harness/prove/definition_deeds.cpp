// What is declared rather than stored: definitions, grants, positions of sequences, settings.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "harness/prove/deeds.hpp"
#include "harness/prove/victims.hpp"

namespace harness::prove {

namespace fs = std::filesystem;
using backup_engine::postgres::Connection;

namespace {

std::function<void(Connection&)> running(std::string statement) {
  return [statement = std::move(statement)](Connection& connection) { connection.execute(statement); };
}

// A rule that reads a table can no longer be asked once it is gone: one that is to be broken itself still has to be.
bool is_read_by_a_broken_rule(const Surroundings& surroundings, const Victim& table) {
  return std::any_of(surroundings.rules.begin(), surroundings.rules.end(),
                     [&](const auto& rule) { return !rule.sabotage.empty() && is_spoken_of(rule.text, table); });
}

// Where the ledger's transactions left their rows: without it, all of them would be found changed.
bool holds_effects(Surroundings& surroundings, const Victim& table) {
  if (!surroundings.connection.query("SELECT to_regclass('lifeboat.effect_sources')")[0][0]) return false;
  return !surroundings.connection
              .query("SELECT 1 FROM lifeboat.effect_sources WHERE to_regclass(relation) = $1::oid", {table.oid})
              .empty();
}

// What was changed in good order is seen by nothing but a comparison with a mark.
std::map<std::string, std::string> blind_without_a_mark(const Surroundings& surroundings) {
  if (surroundings.marked) return {};
  return {{"catalog", "no mark says what there was"}};
}

}  // namespace

Deed drop_a_table(Surroundings& surroundings) {
  const auto tables = tables_to_harm(surroundings);
  for (auto table = tables.rbegin(); table != tables.rend(); ++table) {  // the smallest will do
    if (table->partition || is_read_by_a_broken_rule(surroundings, *table) || holds_effects(surroundings, *table))
      continue;
    if (!place_of_a_row(surroundings, *table)) continue;
    const auto dependents = surroundings.connection.query(
        "SELECT 1 FROM pg_constraint WHERE confrelid = $1 AND conrelid <> $1 UNION ALL SELECT 1 FROM pg_inherits WHERE "
        "inhparent = "
        "$1 OR inhrelid = $1 UNION ALL SELECT 1 FROM pg_depend WHERE refclassid = 'pg_class'::regclass AND refobjid = "
        "$1 AND "
        "classid = 'pg_rewrite'::regclass",
        {table->oid});
    if (!dependents.empty()) continue;
    claim(surroundings, table->oid);
    Deed deed;
    deed.traces["content"] = {table->name, "missing"};
    deed.traces["catalog"] = {"table " + table->name, "missing"};
    deed.blind = blind_without_a_mark(surroundings);
    deed.in_database = running(fmt::format("DROP TABLE {}", table->quoted));
    return deed;
  }
  return impossible("each table that is left is needed by something else, or holds the ledger's effects");
}

Deed drop_a_constraint(Surroundings& surroundings) {
  const auto found = surroundings.connection.query(
      fmt::format("SELECT n.nspname || '.' || t.relname || '.' || o.conname, o.conrelid::regclass::text, "
                  "quote_ident(o.conname) FROM "
                  "pg_constraint AS o JOIN pg_class AS t ON t.oid = o.conrelid JOIN pg_namespace AS n ON n.oid = "
                  "t.relnamespace WHERE "
                  "o.contype IN ('c', 'f') AND o.conislocal AND o.coninhcount = 0 AND o.conparentid = 0 AND NOT "
                  "t.relispartition AND "
                  "t.relkind = 'r' AND t.oid <> ALL ($1::oid[]) AND {} ORDER BY o.contype, 1 LIMIT 1",
                  made_by_somebody("t.oid")),
      {claimed_list(surroundings)});
  if (found.empty()) return impossible("no table that is left has a CHECK constraint or a foreign key");
  Deed deed;
  deed.traces["catalog"] = {"constraint " + found[0][0].value_or(""), "missing"};
  deed.blind = blind_without_a_mark(surroundings);
  deed.in_database =
      running(fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", found[0][1].value_or(""), found[0][2].value_or("")));
  return deed;
}

Deed add_an_unproven_constraint(Surroundings& surroundings) {
  const auto tables = tables_to_harm(surroundings);
  for (const auto& table : tables) {
    if (table.partition) continue;
    Deed deed;
    deed.traces["constraints"] = {table.quoted + ".lifeboat_unproven", "not validated"};
    deed.in_database =
        running(fmt::format("ALTER TABLE {} ADD CONSTRAINT lifeboat_unproven CHECK (true) NOT VALID", table.quoted));
    return deed;
  }
  return impossible("no table is left");
}

Deed revoke_a_grant(Surroundings& surroundings) {
  const auto found = surroundings.connection.query(
      fmt::format(
          "SELECT n.nspname || '.' || c.relname, c.oid::regclass::text, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE "
          "quote_ident(pg_get_userbyid(g.grantee)) END FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = "
          "c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) AS g WHERE c.relkind = 'r' AND g.grantee <> "
          "c.relowner AND c.oid <> ALL ($1::oid[]) AND {} ORDER BY 1, 3 LIMIT 1",
          made_by_somebody("c.oid")),
      {claimed_list(surroundings)});
  if (found.empty()) return impossible("no table that is left is granted to anybody but its owner");
  Deed deed;
  deed.traces["catalog"] = {"table " + found[0][0].value_or(""), "definition"};
  deed.blind = blind_without_a_mark(surroundings);
  deed.in_database = running(
      fmt::format("REVOKE ALL ON TABLE {} FROM {} CASCADE", found[0][1].value_or(""), found[0][2].value_or("")));
  return deed;
}

// An owner that is not there, of a conversion that nobody uses. With a mark only what users made is compared.
Deed break_a_reference(Surroundings& surroundings) {
  if (surroundings.marked) return impossible("the catalogs are compared with a mark, not with themselves");
  Deed deed;
  deed.traces["catalog"] = {"pg_conversion (conowner)", "not there"};
  deed.in_database = running(
      "UPDATE pg_catalog.pg_conversion SET conowner = 4294967294 WHERE oid = (SELECT min(oid) FROM "
      "pg_catalog.pg_conversion)");
  return deed;
}

Deed set_a_sequence_back(Surroundings& surroundings) {
  for (const auto& row :
       surroundings.connection.query(fmt::format("SELECT d.objid::regclass::text, d.refobjid::regclass::text, "
                                                 "quote_ident(a.attname), q.seqmin FROM pg_depend AS d "
                                                 "JOIN pg_sequence AS q ON q.seqrelid = d.objid JOIN pg_attribute AS a "
                                                 "ON a.attrelid = d.refobjid AND a.attnum = "
                                                 "d.refobjsubid WHERE d.classid = 'pg_class'::regclass AND "
                                                 "d.refclassid = 'pg_class'::regclass AND d.deptype IN "
                                                 "('a', 'i') AND q.seqincrement > 0 AND NOT q.seqcycle AND d.refobjid "
                                                 "<> ALL ($1::oid[]) AND {} AND {} ORDER BY 1",
                                                 made_by_somebody("d.objid"), made_by_somebody("d.refobjid")),
                                     {claimed_list(surroundings)})) {
    const auto beyond = surroundings.connection.query(
        fmt::format("SELECT max({}) > {} FROM {}", row[2].value_or(""), row[3].value_or("1"), row[1].value_or("")));
    if (beyond[0][0] != "t") continue;
    Deed deed;
    deed.traces["sequences"] = {row[0].value_or(""), "behind the column"};
    deed.in_database = [sequence = row[0].value_or(""), lowest = row[3].value_or("1")](Connection& connection) {
      (void)connection.query("SELECT setval($1::regclass, $2::bigint)", {sequence, lowest});
    };
    return deed;
  }
  return impossible("no sequence that counts upwards feeds a column with rows");
}

// Harmless to the server, and what a pg_control keeps as well.
Deed change_a_setting(Surroundings& surroundings) {
  const std::string name = "max_locks_per_transaction";
  const auto now = std::stoul(surroundings.connection.query("SHOW " + name).single());
  Deed deed;
  deed.traces["settings"] = {name, fmt::format("is '{}'", now + 1)};
  deed.on_disk = [line = fmt::format("{} = {}\n", name, now + 1)](const fs::path& directory) {
    std::ofstream file(directory / "postgresql.auto.conf", std::ios::app);
    file << line;
    file.close();
    if (!file) {
      throw backup_engine::base::Error(backup_engine::base::ErrorKind::io,
                                       fmt::format("cannot write {}/postgresql.auto.conf", directory.string()));
    }
  };
  return deed;
}

}  // namespace harness::prove
