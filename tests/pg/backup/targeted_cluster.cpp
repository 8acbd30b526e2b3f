#include "tests/pg/backup/targeted_cluster.hpp"

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/remove_tree.hpp"

namespace backup_engine {

namespace fs = std::filesystem;

void TargetedCluster::start(std::map<std::string, std::string> settings) {
  auto wanted = options();
  wanted.settings = std::move(settings);
  wanted.settings["track_commit_timestamp"] = "on";
  wanted.settings["wal_keep_size"] = "1GB";  // for pg_walinspect
  start_source(wanted);
  receive_wal();
  run("CREATE TABLE t (i int); CREATE EXTENSION pg_walinspect");
  first_position_ = ask("SELECT pg_current_wal_insert_lsn()");
}

void TargetedCluster::go_on_with_restored() {
  source_.emplace(start_restored({{"track_commit_timestamp", "on"}}));
  wait_until_promoted(*source_);
  receive_wal();
  first_position_ = ask("SELECT pg_current_wal_insert_lsn()");
}

void TargetedCluster::insert(int row) {
  auto session = source_->connect();
  session.execute("BEGIN");
  insert_in(session, row);
  commit(session, row);
}

void TargetedCluster::insert_in(postgres::Connection& session, int row) {
  session.execute("INSERT INTO t VALUES (" + std::to_string(row) + ")");
  rows_[row].xid = session.query("SELECT pg_current_xact_id()").single();
}

void TargetedCluster::commit(postgres::Connection& session, int row) {
  session.execute("COMMIT");
  look_up(row);
}

// pg_walinspect prints a prepared transaction's id only in the description.
void TargetedCluster::look_up(int row) {
  auto& known = rows_[row];
  known.time = ask("SELECT to_char(pg_xact_commit_timestamp('" + known.xid +
                   "') AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || 'Z'");
  known.record = record_of("resource_manager = 'Transaction' AND record_type LIKE 'COMMIT%' AND (xid = '" + known.xid +
                           "' OR description LIKE '" + known.xid + ":%')");
}

std::string TargetedCluster::restore_point(const std::string& name) {
  static_cast<void>(ask("SELECT pg_create_restore_point(" + postgres::quote_literal(name) + ")"));
  run("CHECKPOINT");  // flushes it, and no transaction ends
  return record_of("record_type = 'RESTORE_POINT' AND description LIKE " + postgres::quote_literal(name + "%"));
}

std::string TargetedCluster::record_of(const std::string& condition) {
  return ask("SELECT start_lsn FROM pg_get_wal_records_info('" + first_position_ +
             "', pg_current_wal_flush_lsn()) WHERE " + condition + " ORDER BY start_lsn DESC LIMIT 1");
}

std::string TargetedCluster::rows_at(const RecoveryTarget& target, const std::string& backup_label) {
  let_server_user_read_repository();
  auto request = restore_request();
  request.target = target;
  request.backup_label = backup_label;
  base::NoProgress progress;
  std::string rows;
  try {
    last_ = restore_backup(request, progress);
    auto server = started(restored_options());
    wait_until_promoted(server);
    rows = server.connect().query("SELECT coalesce(string_agg(i::text, ',' ORDER BY i), '') FROM t").single();
  } catch (const base::Error& error) {
    ADD_FAILURE() << describe(error);
  }
  EXPECT_FALSE(base::remove_tree(restored()));
  return rows;
}

std::string TargetedCluster::refusal(const RecoveryTarget& target, const std::string& backup_label) {
  auto request = restore_request();
  request.target = target;
  request.backup_label = backup_label;
  base::NoProgress progress;
  try {
    static_cast<void>(restore_backup(request, progress));
    ADD_FAILURE() << "was not refused";
  } catch (const base::Error& error) {
    EXPECT_TRUE(error.kind() == base::ErrorKind::not_found || error.kind() == base::ErrorKind::usage)
        << describe(error);
    EXPECT_FALSE(fs::exists(restored())) << "nothing was touched";
    return describe(error);
  }
  return "";
}

}  // namespace backup_engine
