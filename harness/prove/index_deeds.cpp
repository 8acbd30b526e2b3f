// GIN indexes, of which amcheck sees little: their shape from PostgreSQL 18 on, never whether an entry is missing.
#include <fmt/format.h>

#include <optional>

#include "harness/faults/disorder_index.hpp"
#include "harness/faults/hide_from_index.hpp"
#include "harness/prove/deeds.hpp"
#include "harness/prove/victims.hpp"

namespace harness::prove {

using backup_engine::postgres::Connection;

namespace {

struct GinIndex {
  std::string name, quoted, file, table_oid, table;
};

// Of a table that is no partition.
std::vector<GinIndex> gin_indexes(Surroundings& surroundings) {
  std::vector<GinIndex> indexes;
  for (const auto& row : surroundings.connection.query(fmt::format(
           "SELECT n.nspname || '.' || x.relname, x.oid::regclass::text, pg_relation_filepath(x.oid), i.indrelid, "
           "i.indrelid::regclass::text FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_namespace "
           "AS n ON n.oid = x.relnamespace JOIN pg_am AS a ON a.oid = x.relam JOIN pg_class AS t ON t.oid = i.indrelid "
           "WHERE a.amname = 'gin' AND x.relkind = 'i' AND t.relkind = 'r' AND NOT t.relispartition AND i.indisvalid "
           "AND i.indisready AND {} ORDER BY 1",
           made_by_somebody("t.oid")))) {
    indexes.push_back(
        {row[0].value_or(""), row[1].value_or(""), row[2].value_or(""), row[3].value_or(""), row[4].value_or("")});
  }
  return indexes;
}

constexpr std::uint32_t root_block = 1;  // of the tree of entries, wherever it grows: src/include/access/ginblock.h

// As many as can be told apart, whether the page is a leaf or leads to others. What the server holds in memory alone is
// on disk once a checkpoint was made.
bool has_entries_to_disorder(Connection& connection, const GinIndex& index) {
  constexpr int wanted = 3, items_offset = 24, item_bytes = 4;
  connection.execute("CHECKPOINT");
  const auto lower = connection.query(
      "SELECT get_byte(page, 12) + 256 * get_byte(page, 13) FROM (SELECT pg_read_binary_file($1, 8192, 8192, true) AS "
      "page) AS root WHERE length(page) = 8192",
      {index.file});
  return !lower.empty() && std::stoi(lower[0][0].value_or("0")) >= items_offset + wanted * item_bytes;
}

// Why the database's amcheck sees no GIN index: the extension that it has counts, else the one that would be lent to
// it. Empty: it does.
std::string why_amcheck_sees_none(Connection& connection) {
  const auto found = connection.query(
      "SELECT e.extversion, EXISTS (SELECT FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.objid WHERE d.refclassid "
      "= 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass AND p.proname = "
      "'gin_index_check') FROM pg_extension AS e WHERE e.extname = 'amcheck' UNION ALL SELECT default_version, "
      "string_to_array(default_version, '.')::int[] >= '{1,5}' FROM pg_available_extensions WHERE name = 'amcheck' AND "
      "installed_version IS NULL");
  if (!found.empty() && found[0][1] == "t") return "";
  return fmt::format("this database's amcheck {} has no gin_index_check(); 1.5, of PostgreSQL 18, has",
                     found.empty() ? "" : found[0][0].value_or(""));
}

}  // namespace

Deed disorder_a_gin_index(Surroundings& surroundings) {
  for (const auto& index : gin_indexes(surroundings)) {
    if (!has_entries_to_disorder(surroundings.connection, index)) continue;
    Deed deed;
    deed.traces["amcheck"] = {"." + index.name, "wrong tuple order"};
    const auto why_blind = why_amcheck_sees_none(surroundings.connection);
    if (!why_blind.empty()) deed.blind["amcheck"] = why_blind;
    deed.on_disk = [file = index.file](const std::filesystem::path& directory) {
      faults::disorder_index(directory / file, root_block);
    };
    return deed;
  }
  return impossible("no GIN index of a permanent table holds three entries on its first page");
}

// The row is put back as it was, and the index is not told. The last row of its table: other deeds begin at the first.
Deed lose_a_gin_entry(Surroundings& surroundings) {
  for (const auto& index : gin_indexes(surroundings)) {
    const auto row = surroundings.connection.query(
        fmt::format("SELECT ctid::text FROM ONLY {} ORDER BY ctid DESC LIMIT 1", index.table));
    if (row.empty()) continue;
    const auto columns = columns_to_copy(surroundings, index.table_oid);
    Deed deed;
    deed.traces["amcheck"] = {"." + index.name, "lacks"};
    deed.blind["amcheck"] = "no amcheck compares a GIN index with its table";
    const auto statement = fmt::format(
        "SET session_replication_role = replica; DO $deed$ BEGIN WITH taken AS (DELETE FROM ONLY {0} WHERE ctid = "
        "'{2}' "
        "RETURNING {1}) INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM taken; IF NOT FOUND THEN RAISE "
        "'the row is not there any more'; END IF; END $deed$; RESET session_replication_role",
        index.table, columns, row[0][0].value_or(""));
    deed.in_database = [statement, name = index.quoted](Connection& connection) {
      faults::hide_from_index(connection, name, statement);
    };
    return deed;
  }
  return impossible("no permanent table with rows has a GIN index");
}

}  // namespace harness::prove
