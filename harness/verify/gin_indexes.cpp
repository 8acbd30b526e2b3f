#include "harness/verify/gin_indexes.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"

namespace harness::verify {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;

namespace {

constexpr int damage_found = 2;  // pg_amcheck's exit code

// Where the extension lies is its owner's choice; empty where it is older.
std::string function_of(Connection& connection) {
  const auto found = connection.query(
      "SELECT p.oid::regproc::text FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_depend AS d ON d.refobjid = "
      "e.oid AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.classid = "
      "'pg_catalog.pg_proc'::pg_catalog.regclass JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid WHERE e.extname = "
      "'amcheck' AND p.proname = 'gin_index_check'");
  return found.empty() ? "" : to_text(found[0][0]);
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
    const auto function = function_of(connection);
    if (function.empty()) continue;
    for (const auto& row : connection.query(
             "SELECT i.indexrelid, n.nspname || '.' || c.relname FROM pg_catalog.pg_index AS i JOIN "
             "pg_catalog.pg_class AS c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = "
             "c.relnamespace JOIN pg_catalog.pg_am AS a ON a.oid = c.relam WHERE a.amname = 'gin' AND c.relkind = 'i' "
             "AND c.relpersistence = 'p' AND i.indisvalid AND i.indisready ORDER BY 2")) {
      ++examined;
      const auto damage = damage_of(connection, function, to_text(row[0]));
      if (damage.empty()) continue;
      run.output += fmt::format("gin index \"{}.{}\":\n    {}\n", database, to_text(row[1]), damage);
      if (run.exit_code == 0) run.exit_code = damage_found;
    }
  }
  run.output += fmt::format("GIN indexes examined: {}\n", examined);
}

}  // namespace harness::verify
