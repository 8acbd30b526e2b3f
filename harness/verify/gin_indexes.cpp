#include "harness/verify/gin_indexes.hpp"

#include <fmt/format.h>

#include <vector>

#include "backup_engine/base/error.hpp"

namespace harness::verify {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;

namespace {

constexpr int damage_found = 2;  // pg_amcheck's exit code

// Where the extension lies is its owner's choice.
struct Amcheck {
  std::string version;
  std::string function;  // empty: it is of a version that has none
};

Amcheck amcheck_of(Connection& connection) {
  const auto found = connection.query(
      "SELECT e.extversion, p.oid::regproc::text FROM pg_catalog.pg_extension AS e LEFT JOIN (pg_catalog.pg_depend AS "
      "d "
      "JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid AND p.proname = 'gin_index_check') ON d.refobjid = e.oid AND "
      "d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.classid = "
      "'pg_catalog.pg_proc'::pg_catalog.regclass WHERE e.extname = 'amcheck'");
  return found.empty() ? Amcheck{"none", ""} : Amcheck{to_text(found[0][0]), to_text(found[0][1])};
}

struct GinIndex {
  std::string oid, name;
};

std::vector<GinIndex> gin_indexes_of(Connection& connection, const std::string& database) {
  std::vector<GinIndex> indexes;
  for (const auto& row : connection.query(
           "SELECT i.indexrelid, n.nspname || '.' || c.relname FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class "
           "AS c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace JOIN "
           "pg_catalog.pg_am AS a ON a.oid = c.relam WHERE a.amname = 'gin' AND c.relkind = 'i' AND c.relpersistence = "
           "'p' AND i.indisvalid AND i.indisready ORDER BY 2")) {
    indexes.push_back({to_text(row[0]), fmt::format("{}.{}", database, to_text(row[1]))});
  }
  return indexes;
}

// Data and indexes that are corrupted are of class XX, and files that are gone or cannot be read of class 58:
// everything else says nothing about the index.
std::string damage_of(Connection& connection, const std::string& function, const std::string& oid) {
  try {
    (void)connection.query(fmt::format("SELECT {}($1::pg_catalog.oid::pg_catalog.regclass)", function), {oid});
  } catch (const Error& error) {
    const auto& state = error.sqlstate();
    if (error.kind() != ErrorKind::server || !(state.starts_with("XX") || state.starts_with("58"))) throw;
    const std::string what = error.what();
    return what.substr(0, what.find('\n'));
  }
  return "";
}

}  // namespace

void check_gin_indexes(const Cluster& cluster, reports::record::ToolRun& run) {
  std::uint64_t examined = 0;
  for (const auto& database : all_databases(cluster)) {
    auto connection = open_session(cluster, database);
    const auto amcheck = amcheck_of(connection);
    for (const auto& index : gin_indexes_of(connection, database)) {
      if (amcheck.function.empty()) {
        run.output += fmt::format(
            "GIN index \"{}\" not examined: amcheck {} of database \"{}\" has no "
            "gin_index_check()\n",
            index.name, amcheck.version, database);
        continue;
      }
      ++examined;
      const auto damage = damage_of(connection, amcheck.function, index.oid);
      if (damage.empty()) continue;
      run.output += fmt::format("gin index \"{}\":\n    {}\n", index.name, damage);
      if (run.exit_code == 0) run.exit_code = damage_found;
    }
  }
  run.output += fmt::format("GIN indexes examined: {}\n", examined);
}

}  // namespace harness::verify
