#include "harness/verify/sql_probe.hpp"

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/verify/lock_holders.hpp"
#include "harness/verify/sql_statements.hpp"

namespace harness::verify {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Connection;
using reports::record::SqlEvidence;

namespace {

constexpr std::size_t rows_kept = 20;

SqlEvidence::Result run(const Cluster& cluster, Connection& connection, const SqlStatement& statement) {
  SqlEvidence::Result result;
  result.name = statement.name;
  connection.execute("BEGIN READ ONLY");
  try {
    const auto rows = naming_lock_holders(cluster, [&] { return connection.query(statement.text); });
    result.columns = rows.columns();
    result.row_count = rows.size();
    for (std::size_t i = 0; i < std::min(rows.size(), rows_kept); ++i) {
      auto& kept = result.rows.emplace_back();
      for (const auto& value : rows[i]) kept.push_back(value.value_or("NULL"));
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::server) throw;
    result.error = error.what();
  }
  connection.execute("ROLLBACK");
  return result;
}

}  // namespace

SqlEvidence probe_sql(const Cluster& cluster, const std::filesystem::path& file) {
  SqlEvidence evidence;
  evidence.file = file.filename().string();
  // The settings of the database and its roles stay as the people who wrote the rules know them, but for its limits.
  auto connection = cluster.connect(cluster.database);
  connection.execute("SET default_transaction_read_only = on");
  for (const auto& statement : split_statements(backup_engine::base::read_file(file))) {
    evidence.results.push_back(run(cluster, connection, statement));
  }
  return evidence;
}

}  // namespace harness::verify
