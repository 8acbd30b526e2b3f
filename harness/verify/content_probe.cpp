#include "harness/verify/content_probe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <ranges>
#include <string_view>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/sha256.hpp"
#include "harness/verify/row_hash.hpp"

#include "harness/verify/lock_holders.hpp"

namespace harness::verify {

using backup_engine::base::Error;
using backup_engine::postgres::Connection;
using backup_engine::postgres::quote_literal;
using reports::record::ContentDigests;
using reports::record::SequencePosition;
using reports::record::TableDigest;

namespace {

constexpr std::string_view unreadable = "unreadable: ";  // stands where the digest would
constexpr int most_boundaries = 4096;

enum class Ranges { none, keys, blocks, key_hashes };

struct Table {
  std::string name;    // schema.table, unquoted, for people; a restored copy's is that of its original
  std::string quoted;  // for SQL
  std::string key;     // of the primary key quoted, its leading integer column; for key_hashes all its columns of row t
  bool populated = true;
  std::string condition;  // " WHERE …", empty for all rows
  Ranges ranges = Ranges::none;
  std::int64_t blocks = 0;
  int shift = 0;  // a range is 2^shift keys or blocks wide
  Values values = Values::in_place;
  std::vector<Column> columns;
};

std::string digest_of(const std::vector<backup_engine::postgres::Value>& row, std::size_t first) {
  const auto text = fmt::format("{}/{}/{}", to_text(row[first]), to_text(row[first + 1]), to_text(row[first + 2]));
  return backup_engine::base::sha256_hex(text).substr(0, 32);
}

constexpr std::string_view ordinary_tables =
    " c.relkind IN ('r', 'm') AND c.relpersistence = 'p' "
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ";

// By the table's OID, in order. A generated column that is not stored holds nothing; a domain is what it is made of.
std::map<std::string, std::vector<Column>> list_columns(Connection& connection) {
  std::map<std::string, std::vector<Column>> columns;
  for (const auto& row : connection.query(fmt::format(
           "WITH RECURSIVE made_of(oid, base) AS (SELECT oid, oid FROM pg_type WHERE typtype <> 'd' UNION ALL "
           "  SELECT d.oid, m.base FROM pg_type d JOIN made_of m ON d.typbasetype = m.oid WHERE d.typtype = 'd') "
           "SELECT a.attrelid, quote_ident(a.attname), m.base, b.typnamespace = 'pg_catalog'::regnamespace "
           "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
           "JOIN made_of m ON m.oid = a.atttypid JOIN pg_type b ON b.oid = m.base "
           "WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v' AND {} ORDER BY a.attrelid, a.attnum",
           ordinary_tables))) {
    columns[to_text(row[0])].push_back(
        {to_text(row[1]), static_cast<std::uint32_t>(to_count(row[2])), to_text(row[3]) == "t"});
  }
  return columns;
}

// Partitions are digested one by one, so their roots hold nothing of their own; FROM ONLY keeps children apart. Where
// some tables are meant they may have been restored row by row, and then rows are not in the blocks that they were in.
std::vector<Table> list_tables(Connection& connection, const Members& members, bool same_blocks) {
  auto columns = list_columns(connection);
  const auto rows = connection.query(fmt::format(
      "SELECT n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname), "
      "       (SELECT quote_ident(a.attname) FROM pg_index i JOIN pg_attribute a "
      "          ON a.attrelid = c.oid AND a.attnum = i.indkey[0] "
      "        WHERE i.indrelid = c.oid AND i.indisprimary AND a.atttypid IN (20, 21, 23)), "
      "       c.relispopulated, n.nspname, c.oid, am.amname = 'heap', "
      "       pg_relation_size(c.oid) / current_setting('block_size')::bigint, "
      "       coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0), "
      "       (SELECT string_agg('t.' || quote_ident(a.attname), ', ' ORDER BY k.place) FROM pg_index i "
      "          CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(number, place) "
      "          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number "
      "        WHERE i.indrelid = c.oid AND i.indisprimary AND k.place <= i.indnkeyatts) "
      "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam "
      "WHERE {} ORDER BY 1",
      ordinary_tables));
  std::vector<Table> tables;
  for (const auto& row : rows) {
    const auto name = to_text(row[0]);
    if (!members.holds(name, to_text(row[4]))) continue;
    Table table;
    table.name = members.as_original(name);
    table.quoted = to_text(row[1]);
    table.key = to_text(row[2]);
    table.populated = to_text(row[3]) == "t";
    table.condition = members.row_condition(name);
    if (!table.key.empty()) {
      table.ranges = Ranges::keys;
    } else if (same_blocks && to_text(row[6]) == "t") {
      table.ranges = Ranges::blocks;
    } else if (row[9]) {
      table.ranges = Ranges::key_hashes;
      table.key = *row[9];
    }
    table.blocks = to_integer(row[7]);
    table.values = to_count(row[8]) > 0 ? Values::stored_apart : Values::in_place;
    table.columns = std::move(columns[to_text(row[5])]);
    tables.push_back(std::move(table));
  }
  return tables;
}

std::string unit_of(Ranges ranges) {
  switch (ranges) {
    case Ranges::blocks:
      return "blocks";
    case Ranges::key_hashes:
      return "key hashes";
    case Ranges::none:
    case Ranges::keys:
      break;
  }
  return "keys";
}

// 64 ranges, and of tables above 64 MB one for each MB or two, up to 1024.
int shift_for(std::uint64_t width, std::int64_t blocks) {
  const auto count_bits = std::clamp(static_cast<int>(std::bit_width(static_cast<std::uint64_t>(blocks) >> 7)), 6, 10);
  return std::max(0, static_cast<int>(std::bit_width(width)) - count_bits);
}

std::optional<int> shift_used(const ContentDigests& earlier, const std::string& name, const Table& table) {
  for (const auto& digest : earlier.tables) {
    if (digest.table != name || digest.chunks.empty() || digest.chunks_of != unit_of(table.ranges)) continue;
    const auto width = std::stoll(digest.chunks.front().last_key) - std::stoll(digest.chunks.front().first_key) + 1;
    return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(width))) - 1;
  }
  return std::nullopt;
}

// Bytes that PostgreSQL refuses are of class XX; files that it cannot open or read are of class 58, as is a library
// that this machine lacks.
bool is_damage(const Error& error) {
  const std::string_view state = error.sqlstate(), text = error.what();
  const bool of_a_file = text.find("could not open file") != text.npos || text.find("could not read") != text.npos;
  return state.starts_with("XX") || (state.starts_with("58") && of_a_file);
}

// Nothing where PostgreSQL cannot read what it is asked for.
std::optional<backup_engine::postgres::Rows> ask_unless_damaged(Connection& connection, const std::string& sql) {
  connection.execute("SAVEPOINT asked");
  try {
    auto rows = connection.query(sql);
    connection.execute("RELEASE SAVEPOINT asked");
    return rows;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    connection.execute("ROLLBACK TO SAVEPOINT asked");
    return std::nullopt;
  }
}

// The lowest and highest keys of all tables in one round trip, or one by one where one of them cannot be read: that one
// has no ranges. Index scans are allowed here: a wrong answer only makes ranges wider or more.
void choose_ranges(Connection& connection, std::vector<Table>& tables, const std::string& prefix,
                   const ContentDigests* alike) {
  std::map<std::size_t, std::string> queries;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    auto& table = tables[i];
    if (table.ranges == Ranges::none || table.ranges == Ranges::key_hashes || !table.populated) continue;
    if (const auto used = alike ? shift_used(*alike, prefix + table.name, table) : std::nullopt) {
      table.shift = *used;
    } else if (table.ranges == Ranges::blocks) {
      table.shift = shift_for(static_cast<std::uint64_t>(std::max<std::int64_t>(table.blocks - 1, 0)), table.blocks);
    } else {
      queries[i] =
          fmt::format("SELECT {0}, min({1})::bigint, max({1})::bigint FROM ONLY {2}", i, table.key, table.quoted);
    }
  }
  if (queries.empty()) return;
  const auto choose = [&tables](const backup_engine::postgres::Rows& rows) {
    for (const auto& row : rows) {
      auto& table = tables[to_count(row[0])];
      const auto lowest = static_cast<std::uint64_t>(to_integer(row[1]));
      table.shift = shift_for(static_cast<std::uint64_t>(to_integer(row[2])) - lowest, table.blocks);
    }
  };
  const auto all = fmt::format("{}", fmt::join(queries | std::views::values, " UNION ALL "));
  if (const auto rows = ask_unless_damaged(connection, all)) return choose(*rows);
  for (const auto& [i, query] : queries) {
    const auto rows = ask_unless_damaged(connection, query);
    if (rows) choose(*rows);
    if (!rows) tables[i].ranges = Ranges::none;
  }
}

// The number of the range that row t is in.
std::string range_sql(const Table& table) {
  if (table.ranges == Ranges::keys) return fmt::format("coalesce(t.{}::bigint, -1) >> {}", table.key, table.shift);
  if (table.ranges == Ranges::key_hashes) {
    return fmt::format("(hashtextextended(ROW({})::text COLLATE \"C\", 0) >> 58) & 63", table.key);
  }
  std::string boundaries;
  if (table.ranges == Ranges::blocks) {
    for (std::int64_t i = 1; i <= std::min<std::int64_t>((table.blocks - 1) >> table.shift, most_boundaries); ++i) {
      boundaries += fmt::format("{}\"({},0)\"", boundaries.empty() ? "" : ",", i << table.shift);
    }
  }
  if (boundaries.empty()) return "0::bigint";
  return fmt::format("width_bucket(t.ctid, '{{{}}}'::tid[])::bigint", boundaries);
}

// `rows` selects the range's number and the inputs. The row with grouping 1 is the whole table, the others are its
// ranges in order. PostgreSQL adds up in parallel only where there are no grouping sets: so they come on top. OFFSET
// keeps the inputs from being computed once for each hash, and the planner from expecting as many ranges as rows; as a
// constant of its own type it does not forbid a parallel scan.
std::string sums_sql(const std::string& rows, const std::vector<HashInput>& inputs) {
  const auto hashes = row_hashes(inputs);
  return fmt::format(
      "SELECT grouping(range), range, coalesce(sum(rows), 0), sum(sum1), sum(sum2) FROM ("
      "SELECT s.range, count(*) AS rows, sum({}) AS sum1, sum({}) AS sum2 FROM ({} OFFSET '0'::bigint) AS s "
      "GROUP BY s.range) AS ranges GROUP BY GROUPING SETS ((range), ()) ORDER BY 1 DESC, 2",
      hashes[0], hashes[1], rows);
}

TableDigest digest_rows(Connection& connection, const std::string& name, const std::string& sql, Ranges ranges,
                        int shift) {
  TableDigest digest;
  digest.table = name;
  digest.chunks_of = unit_of(ranges);
  for (const auto& row : connection.query(sql)) {
    if (to_text(row[0]) == "1") {
      digest.rows = to_count(row[2]);
      digest.digest = digest_of(row, 2);
    } else if (ranges != Ranges::none) {
      const auto first = to_integer(row[1]) * (std::int64_t{1} << shift);
      const auto last = first + ((std::int64_t{1} << shift) - 1);
      digest.chunks.push_back({std::to_string(first), std::to_string(last), to_count(row[2]), digest_of(row, 2)});
    }
  }
  return digest;
}

TableDigest digest_table(Connection& connection, const Table& table, const std::string& prefix) {
  const auto name = prefix + table.name;
  if (!table.populated) return {name, 0, "not populated", {}};
  const auto inputs = hash_inputs(table.columns, table.values);
  const auto rows = fmt::format("SELECT {} AS range{} FROM ONLY {} AS t{}", range_sql(table), selected(inputs),
                                table.quoted, table.condition);
  return digest_rows(connection, name, sums_sql(rows, inputs), table.ranges, table.shift);
}

// A table that PostgreSQL cannot read is a finding; any other error ends the probe.
TableDigest digest_or_damage(Connection& connection, const Table& table, const std::string& prefix) {
  connection.execute("SAVEPOINT one_table");
  try {
    auto digest = digest_table(connection, table, prefix);
    connection.execute("RELEASE SAVEPOINT one_table");
    return digest;
  } catch (const Error& error) {
    if (!is_damage(error)) {
      throw Error(error.kind(), fmt::format("table {}{} cannot be read: {}", prefix, table.name, error.what()))
          .with_sqlstate(error.sqlstate());
    }
    connection.execute("ROLLBACK TO SAVEPOINT one_table");
    return {prefix + table.name, 0, fmt::format("{}{}", unreadable, error.what()), {}};
  }
}

// A row of its own tells an object's owner, so that lost, moved and re-owned objects show, empty ones included. Both
// halves have the same types, or they would not be read in parallel.
TableDigest digest_large_objects(Connection& connection) {
  const std::vector<HashInput> inputs = {{HashInput::Form::integer, "loid::bigint"},
                                         {HashInput::Form::integer, "pageno::bigint"},
                                         {HashInput::Form::bytes, "data"}};
  const auto rows = fmt::format(
      "SELECT loid::bigint >> 6 AS range{} FROM pg_largeobject UNION ALL "
      "SELECT oid::bigint >> 6, oid::bigint, -1::bigint, oidsend(lomowner) FROM pg_largeobject_metadata",
      selected(inputs));
  return digest_rows(connection, "pg_largeobject", sums_sql(rows, inputs), Ranges::keys, 6);
}

// Descending sequences are left out: SequencePosition says only how far up one got.
void read_sequences(Connection& connection, const Members& members, const std::string& prefix,
                    std::vector<SequencePosition>& sequences) {
  std::string sql;
  for (const auto& row : connection.query(
           "SELECT n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname), n.nspname FROM pg_class c "
           "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid "
           "WHERE c.relpersistence = 'p' AND s.seqincrement > 0 AND n.nspname NOT IN ('pg_catalog', "
           "'information_schema') "
           "ORDER BY 1")) {
    if (!members.holds(to_text(row[0]), to_text(row[2]))) continue;
    sql += fmt::format("{}SELECT {}, last_value, is_called FROM {}", sql.empty() ? "" : " UNION ALL ",
                       quote_literal(prefix + members.as_original(to_text(row[0]))), to_text(row[1]));
  }
  if (sql.empty()) return;
  for (const auto& row : connection.query(sql)) {
    sequences.push_back({to_text(row[0]), to_integer(row[1]), to_text(row[2]) == "t"});
  }
}

// The digest of all of the table's rows, in the same ranges, when it was taken a moment ago.
const TableDigest* digest_among(const ContentDigests* known, const std::string& name, const Table& table) {
  if (known == nullptr || !table.condition.empty() || table.ranges == Ranges::none) return nullptr;
  const auto found = std::find_if(known->tables.begin(), known->tables.end(),
                                  [&](const TableDigest& digest) { return digest.table == name; });
  return found != known->tables.end() && found->chunks_of == unit_of(table.ranges) ? &*found : nullptr;
}

void add_database(const Cluster& cluster, const std::string& database, const ContentDigests* alike,
                  const ContentDigests* known, ContentDigests& content) {
  const auto prefix = name_prefix(cluster, database);
  auto connection = open_session(cluster, database);
  connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  set_indexes(connection, Indexes::trusted);
  const Members members(connection, cluster.scope, database == scoped_database(cluster));
  auto tables = list_tables(connection, members, cluster.scope.kind != Scope::Kind::only);
  choose_ranges(connection, tables, prefix, alike);
  read_sequences(connection, members, prefix, content.sequences);
  set_indexes(connection, Indexes::left_alone);
  for (const auto& table : tables) {
    const auto* digest = digest_among(known, prefix + table.name, table);
    content.tables.push_back(digest != nullptr ? *digest : digest_or_damage(connection, table, prefix));
  }
  const bool some_tables = cluster.scope.kind == Scope::Kind::only && cluster.scope.names_relations();
  auto large_objects = some_tables ? TableDigest{} : digest_large_objects(connection);
  if (prefix.empty()) {
    content.large_objects = std::move(large_objects);
  } else if (large_objects.rows > 0) {
    large_objects.table = prefix + large_objects.table;
    content.tables.push_back(std::move(large_objects));
  }
  connection.execute("COMMIT");
}

ContentDigests content_of(const Cluster& cluster, const ContentDigests* alike, const ContentDigests* known) {
  ContentDigests content;
  for (const auto& database : all_databases(cluster)) add_database(cluster, database, alike, known, content);
  const auto by_name = [](const TableDigest& a, const TableDigest& b) { return a.table < b.table; };
  std::sort(content.tables.begin(), content.tables.end(), by_name);
  return content;
}

}  // namespace

ContentDigests probe_content(const Cluster& cluster, const ContentDigests* alike, const ContentDigests* known) {
  return naming_lock_holders(cluster, [&] { return content_of(cluster, alike, known); });
}

}  // namespace harness::verify
