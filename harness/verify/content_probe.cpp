#include "harness/verify/content_probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/sha256.hpp"

namespace harness::verify {

using backup_engine::base::Error;
using backup_engine::postgres::Connection;
using backup_engine::postgres::quote_literal;
using reports::record::ContentDigests;
using reports::record::SequencePosition;
using reports::record::TableDigest;

namespace {

constexpr std::string_view unreadable = "unreadable: ";  // stands where the digest would
constexpr int widest_bucket_count_bits = 6;              // at most 64 key ranges for keys 0..highest

struct Table {
  std::string name;    // schema.table, unquoted, for people; a restored copy's is that of its original
  std::string quoted;  // for SQL
  std::string key;     // quoted leading integer column of the primary key, empty when there is none
  bool populated = true;
  std::string condition;  // " WHERE …", empty for all rows
  int shift = 0;          // a key range is 2^shift keys wide
};

// Two 64-bit hashes of a row's text with different seeds; their sums over a range are what makes a digest.
std::string sums_sql(std::string_view row_text) {
  return fmt::format(
      "count(*), sum(hashtextextended({0} COLLATE \"C\", 1)), sum(hashtextextended({0} COLLATE \"C\", 2))", row_text);
}

std::string digest_of(const std::vector<backup_engine::postgres::Value>& row, std::size_t first) {
  const auto text = fmt::format("{}/{}/{}", to_text(row[first]), to_text(row[first + 1]), to_text(row[first + 2]));
  return backup_engine::base::sha256_hex(text).substr(0, 32);
}

// Partitions are digested one by one, so their roots hold nothing of their own; FROM ONLY keeps children apart.
std::vector<Table> list_tables(Connection& connection, const Members& members) {
  const auto rows = connection.query(
      "SELECT n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname), "
      "       (SELECT quote_ident(a.attname) FROM pg_index i JOIN pg_attribute a "
      "          ON a.attrelid = c.oid AND a.attnum = i.indkey[0] "
      "        WHERE i.indrelid = c.oid AND i.indisprimary AND a.atttypid IN (20, 21, 23)), "
      "       c.relispopulated, n.nspname "
      "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' "
      "  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
      "ORDER BY 1");
  std::vector<Table> tables;
  for (const auto& row : rows) {
    const auto name = to_text(row[0]);
    if (!members.holds(name, to_text(row[4]))) continue;
    tables.push_back({members.as_original(name), to_text(row[1]), to_text(row[2]), to_text(row[3]) == "t",
                      members.row_condition(name), 0});
  }
  return tables;
}

int shift_for(std::int64_t highest_key) {
  if (highest_key <= 0) return 0;
  return std::max(0,
                  static_cast<int>(std::bit_width(static_cast<std::uint64_t>(highest_key))) - widest_bucket_count_bits);
}

std::optional<int> shift_used(const ContentDigests& earlier, const std::string& table) {
  for (const auto& digest : earlier.tables) {
    if (digest.table != table || digest.chunks.empty()) continue;
    const auto width = std::stoll(digest.chunks.front().last_key) - std::stoll(digest.chunks.front().first_key) + 1;
    return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(width))) - 1;
  }
  return std::nullopt;
}

// The highest keys of all tables in one round trip; index scans are allowed here: a wrong answer only makes ranges
// wider.
void choose_ranges(Connection& connection, std::vector<Table>& tables, const std::string& prefix,
                   const ContentDigests* alike) {
  std::string sql;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    auto& table = tables[i];
    if (table.key.empty() || !table.populated) continue;
    if (const auto used = alike ? shift_used(*alike, prefix + table.name) : std::nullopt) {
      table.shift = *used;
      continue;
    }
    sql += fmt::format("{}SELECT {}, max({})::bigint FROM ONLY {}", sql.empty() ? "" : " UNION ALL ", i, table.key,
                       table.quoted);
  }
  if (sql.empty()) return;
  for (const auto& row : connection.query(sql)) tables[to_count(row[0])].shift = shift_for(to_integer(row[1]));
}

// One scan: the row with grouping 1 is the whole table, the others are its key ranges in order.
TableDigest digest_rows(Connection& connection, const std::string& name, const std::string& sql, int shift) {
  TableDigest digest;
  digest.table = name;
  for (const auto& row : connection.query(sql)) {
    if (to_text(row[0]) == "1") {
      digest.rows = to_count(row[2]);
      digest.digest = digest_of(row, 2);
      continue;
    }
    const auto first = to_integer(row[1]) * (std::int64_t{1} << shift);
    const auto last = first + ((std::int64_t{1} << shift) - 1);
    digest.chunks.push_back({std::to_string(first), std::to_string(last), to_count(row[2]), digest_of(row, 2)});
  }
  return digest;
}

TableDigest digest_table(Connection& connection, const Table& table, const std::string& prefix) {
  const auto name = prefix + table.name;
  if (!table.populated) return {name, 0, "not populated", {}};
  const auto sums = sums_sql("t::text");
  if (table.key.empty()) {
    return digest_rows(connection, name,
                       fmt::format("SELECT 1, NULL, {} FROM ONLY {} AS t{}", sums, table.quoted, table.condition), 0);
  }
  const auto bucket = fmt::format("(t.{}::bigint >> {})", table.key, table.shift);
  return digest_rows(
      connection, name,
      fmt::format("SELECT grouping({0}), {0}, {1} FROM ONLY {2} AS t{3} GROUP BY GROUPING SETS (({0}), ()) "
                  "ORDER BY 1 DESC, 2",
                  bucket, sums, table.quoted, table.condition),
      table.shift);
}

// A table whose bytes PostgreSQL refuses (class XX: data corrupted) is a finding; any other error ends the probe.
TableDigest digest_or_damage(Connection& connection, const Table& table, const std::string& prefix) {
  connection.execute("SAVEPOINT one_table");
  try {
    auto digest = digest_table(connection, table, prefix);
    connection.execute("RELEASE SAVEPOINT one_table");
    return digest;
  } catch (const Error& error) {
    if (error.sqlstate().rfind("XX", 0) != 0) {
      throw Error(error.kind(), fmt::format("table {}{} cannot be read: {}", prefix, table.name, error.what()))
          .with_sqlstate(error.sqlstate());
    }
    connection.execute("ROLLBACK TO SAVEPOINT one_table");
    return {prefix + table.name, 0, fmt::format("{}{}", unreadable, error.what()), {}};
  }
}

// The text names object, owner and page, so that lost, moved and re-owned objects show, empty ones included.
TableDigest digest_large_objects(Connection& connection) {
  const auto sums = sums_sql("p.text");
  return digest_rows(
      connection, "pg_largeobject",
      fmt::format("SELECT grouping(p.loid >> 6), p.loid >> 6, {} FROM ("
                  "SELECT loid::bigint, format('%s:%s:%s', loid, pageno, encode(data, 'hex')) AS text "
                  "FROM pg_largeobject UNION ALL "
                  "SELECT oid::bigint, format('%s owned by %s', oid, lomowner) FROM pg_largeobject_metadata"
                  ") AS p GROUP BY GROUPING SETS ((p.loid >> 6), ()) ORDER BY 1 DESC, 2",
                  sums),
      6);
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

void add_database(const Cluster& cluster, const std::string& database, const ContentDigests* alike,
                  ContentDigests& content) {
  const auto prefix = name_prefix(cluster, database);
  auto connection = open_session(cluster, database);
  connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  set_indexes(connection, Indexes::trusted);
  const Members members(connection, cluster.scope, database == scoped_database(cluster));
  auto tables = list_tables(connection, members);
  choose_ranges(connection, tables, prefix, alike);
  read_sequences(connection, members, prefix, content.sequences);
  set_indexes(connection, Indexes::left_alone);
  for (const auto& table : tables) content.tables.push_back(digest_or_damage(connection, table, prefix));
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

}  // namespace

ContentDigests probe_content(const Cluster& cluster, const ContentDigests* alike) {
  ContentDigests content;
  for (const auto& database : all_databases(cluster)) add_database(cluster, database, alike, content);
  const auto by_name = [](const TableDigest& a, const TableDigest& b) { return a.table < b.table; };
  std::sort(content.tables.begin(), content.tables.end(), by_name);
  return content;
}

}  // namespace harness::verify
