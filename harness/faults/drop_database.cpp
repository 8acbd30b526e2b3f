#include "harness/faults/drop_database.hpp"

#include <fmt/format.h>

#include "backup_engine/base/quantity_text.hpp"
#include "harness/faults/victim_names.hpp"

namespace harness::faults {

using backup_engine::postgres::Connection;

namespace {

// A snapshot from before the drop goes on seeing the database's row, and its xmax is the transaction that deleted it:
// the low 32 bits of an xid that is younger than the snapshot and at most as young as the next one.
class CatalogRow {
 public:
  CatalogRow(Connection& watcher, std::string database) : watcher_(watcher), database_(std::move(database)) {
    watcher_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    watcher_.query("SELECT 1 FROM pg_database WHERE datname = $1", {database_});
  }
  CatalogRow(const CatalogRow&) = delete;
  CatalogRow& operator=(const CatalogRow&) = delete;

  [[nodiscard]] std::string deleted_by() {
    const auto low = watcher_.query("SELECT xmax::text FROM pg_database WHERE datname = $1", {database_}).single();
    watcher_.execute("COMMIT");
    const auto next = std::stoull(watcher_.query("SELECT pg_snapshot_xmax(pg_current_snapshot())").single());
    constexpr std::uint64_t epoch = std::uint64_t{1} << 32U;
    const auto xid = (next & ~(epoch - 1)) | std::stoull(low);
    return std::to_string(xid < next ? xid : xid - epoch);
  }

 private:
  Connection& watcher_;
  std::string database_;
};

}  // namespace

Harm drop_database(const server::Server& server, const std::string& database, const Patience& patience) {
  auto connection = server.connect(), watcher = server.connect();
  const auto statement = fmt::format("DROP DATABASE {} WITH (FORCE)", find_database(connection, database));
  Harm done;
  const auto attempt = [&] {
    limit_waits(connection, "SESSION", patience);
    const auto size = connection.query("SELECT pg_database_size($1)", {database}).single();
    const auto sessions =
        connection
            .query("SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'",
                   {database})
            .single();
    CatalogRow row(watcher, database);
    done.began_at = backup_engine::base::utc_now();
    done.lsn = connection.query("SELECT pg_current_wal_insert_lsn()").single();
    connection.execute(statement);
    done.done_at = backup_engine::base::utc_now();
    done.xid = row.deleted_by();
    done.detail = fmt::format("{}: {} and {} sessions went with it", statement,
                              backup_engine::base::bytes_text(std::stoull(size)), sessions);
  };
  harm_with_patience(statement, patience, attempt, [&] { watcher.execute("ROLLBACK"); });
  return done;
}

}  // namespace harness::faults
