#include "harness/verify/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace harness::verify {

using backup_engine::postgres::Connection;
using backup_engine::postgres::Value;

namespace {

constexpr unsigned most_workers = 16;

// Every core reads, from tables of 4 MB on: below, starting a process takes longer than reading. Costs as they come,
// apart from that of starting.
std::string parallel_settings() {
  return fmt::format(
      "SET max_parallel_workers_per_gather = {0}; SET max_parallel_workers = {1}; SET min_parallel_table_scan_size = "
      "'4MB'; SET parallel_leader_participation = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0.1; "
      "SET seq_page_cost = 1; SET cpu_tuple_cost = 0.01; SET cpu_operator_cost = 0.0025",
      std::clamp(std::thread::hardware_concurrency(), 1U, most_workers), most_workers);
}

}  // namespace

Connection open_session(const Cluster& cluster, const std::string& database) {
  auto connection = cluster.connect(database);
  // Whatever the server, the database or the role was set to. How values are written depends on the first of these;
  // extra_float_digits = 1 writes the shortest text that reads back the same. client_encoding: nothing is converted.
  connection.execute(
      "SET ROLE NONE; SET default_transaction_read_only = on; SET default_transaction_deferrable = off; "
      "SET search_path = pg_catalog; SET DateStyle = 'ISO, YMD'; "
      "SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET extra_float_digits = 1; SET bytea_output = 'hex'; "
      "SET lc_messages = 'C'; SET lc_monetary = 'C'; SET lc_numeric = 'C'; SET lc_time = 'C'; SET xmlbinary = "
      "'base64'; SET xmloption = "
      "'content'; SET quote_all_identifiers = off; SET standard_conforming_strings = on; SET array_nulls = on; "
      "SET transform_null_equals = off; SET row_security = off; "
      // damage is to show, not to be passed over
      "SET zero_damaged_pages = off; SET ignore_checksum_failure = off; "
      "SET jit = off; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off; "
      "SET enable_seqscan = on; SET enable_hashagg = on; SET enable_sort = on; "
      "SET synchronize_seqscans = off; SET constraint_exclusion = off; SET work_mem = '64MB'");
  connection.execute(parallel_settings());
  connection.query("SELECT pg_catalog.set_config('client_encoding', pg_catalog.getdatabaseencoding(), false)");
  return connection;
}

void set_indexes(Connection& connection, Indexes indexes) {
  const auto* value = indexes == Indexes::trusted ? "on" : "off";
  connection.execute(
      fmt::format("SET enable_indexscan = {0}; SET enable_indexonlyscan = {0}; SET enable_bitmapscan = {0}", value));
}

Cluster scoped(Cluster cluster, Scope scope) {
  cluster.scope = std::move(scope);
  return cluster;
}

const std::string& scoped_database(const Cluster& cluster) {
  return cluster.scope.database.empty() ? cluster.database : cluster.scope.database;
}

std::vector<std::string> all_databases(const Cluster& cluster) {
  if (cluster.scope.kind == Scope::Kind::only) return {scoped_database(cluster)};
  auto connection = cluster.connect(cluster.database);
  std::vector<std::string> names;
  for (const auto& row : connection.query("SELECT datname FROM pg_catalog.pg_database WHERE datallowconn "
                                          "ORDER BY datname <> $1, datname COLLATE \"C\"",
                                          {Value(cluster.database)})) {
    names.push_back(to_text(row[0]));
  }
  return names;
}

std::string name_prefix(const Cluster& cluster, const std::string& database) {
  return database == cluster.database ? "" : database + ".";
}

std::string object_prefix(const Cluster& cluster, const std::string& database) {
  return database == cluster.database ? "" : database + ": ";
}

std::uint64_t to_count(const Value& value) {
  return value ? std::stoull(*value) : 0;
}
std::int64_t to_integer(const Value& value) {
  return value ? std::stoll(*value) : 0;
}
std::string to_text(const Value& value) {
  return value.value_or("");
}

std::string key_digest_sql(std::string_view row_expression) {
  return fmt::format("left(encode(sha256(convert_to(({})::text, 'UTF8')), 'hex'), 16)", row_expression);
}

}  // namespace harness::verify
