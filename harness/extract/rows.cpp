#include "harness/extract/rows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"

namespace harness::extract {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using backup_engine::postgres::quote_identifier;

namespace {

// One by one, each to be set again as it was; ALTER TABLE … USER would forget those that were off before.
void find_triggers(Connection& live, const LiveState& state, RowTarget& target) {
  const auto rows = live.query(
      "SELECT format('ALTER TABLE ONLY %I.%I DISABLE TRIGGER %I;', n.nspname, c.relname, t.tgname), "
      "format('ALTER TABLE ONLY %I.%I ENABLE %sTRIGGER %I;', n.nspname, c.relname, "
      "CASE t.tgenabled WHEN 'R' THEN 'REPLICA ' WHEN 'A' THEN 'ALWAYS ' ELSE '' END, t.tgname) "
      "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE t.tgrelid = ANY ($1::oid[]) AND NOT t.tgisinternal AND t.tgenabled <> 'D' ORDER BY 1",
      {oids_of(state.tables)});
  for (const auto& row : rows) {
    target.triggers_off += *row[0] + "\n";
    target.triggers_on += *row[1] + "\n";
  }
}

void find_key(Connection& live, RowTarget& target) {
  const auto rows = live.query(
      "SELECT a.attname FROM pg_index i CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, n) "
      "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum "
      "WHERE i.indrelid = $1::oid AND i.indisprimary AND k.n <= i.indnkeyatts ORDER BY k.n",
      {target.table.oid});
  for (const auto& row : rows) target.key.push_back(quote_identifier(*row[0]));
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Columns that the rows do not have (newer or generated ones) are PostgreSQL's to fill, and such a key its own to
// judge.
void find_foreign_keys(Connection& live, RowTarget& target) {
  for (auto& key : enforced_keys_of(live, target.table)) {
    const auto columns = live.query(
        "SELECT ca.attname, pa.attname, k.confrelid = k.conrelid OR k.confrelid IN (SELECT relid FROM "
        "pg_partition_ancestors(k.conrelid)) FROM pg_constraint k CROSS JOIN unnest(k.conkey, k.confkey) AS c (child, "
        "parent) JOIN pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = c.child "
        "JOIN pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = c.parent "
        "WHERE k.conrelid = $1::oid AND k.conname = $2 AND k.contype = 'f' AND k.confrelid = $3::regclass",
        {target.table.oid, key.name, key.references_text});
    bool known = true, own = false;
    std::vector<std::string> referenced;
    for (const auto& row : columns) {
      own = row[2] == "t";
      referenced.push_back(quote_identifier(*row[1]));
      known =
          known && has(target.columns, quote_identifier(*row[0])) && (!own || has(target.columns, referenced.back()));
    }
    if (!known) continue;
    if (!own) {
      target.foreign_keys.push_back(std::move(key));
      continue;
    }
    const bool by_primary_key =
        std::is_permutation(referenced.begin(), referenced.end(), target.key.begin(), target.key.end());
    target.own_keys.push_back({std::move(key), by_primary_key});
  }
}

}  // namespace

RowTarget row_target(Connection& live, const LiveState& state, const Taken& taken) {
  RowTarget target;
  target.table = state.tables.front();
  find_key(live, target);
  std::vector<std::string> there;
  for (const auto& row : live.query("SELECT attname, attidentity = 'a' FROM pg_attribute WHERE attrelid = $1::oid "
                                    "AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
                                    {target.table.oid})) {
    there.push_back(quote_identifier(*row[0]));
    if (row[1] == "t" && !has(target.key, there.back())) target.always_identity.push_back(there.back());
  }
  for (const auto& column : taken.row_columns) {
    if (has(there, column)) continue;
    throw Error(ErrorKind::usage, fmt::format("the live {} has no column {} any more", target.table.text, column))
        .with_remedy("use --beside, and put back what is wanted by hand");
  }
  target.columns = taken.row_columns;
  for (const auto& column : target.key) {
    if (has(target.columns, column)) continue;
    throw Error(ErrorKind::usage, fmt::format("{} had no column {} at the target, which is in its primary key now",
                                              target.table.text, column))
        .with_remedy("use --beside, and put back what is wanted by hand");
  }
  find_foreign_keys(live, target);
  find_triggers(live, state, target);
  return target;
}

}  // namespace harness::extract
