// Restores over a cluster that a server made and ran in, and restores that are killed: what comes out is PostgreSQL's
// own pg_verifybackup's to judge, which also names every file too many.
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <set>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/wal.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"
#include "tests/support/random_numbers.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;
using harness::server::Server;
using harness::server::soon;
using testing::AllOf;
using testing::HasSubstr;

class RestoreDelta : public BackedUpCluster {
 protected:
  // A backup, some commits behind it, and the server gone.
  void make_source() {
    start_source();
    receive_wal();
    run("CREATE TABLE t AS SELECT i, md5(i::text) AS x FROM generate_series(1, 50000) i");
    run("CREATE TABLE dropped_later AS SELECT generate_series(1, 50000) i");
    run("CHECKPOINT");
    static_cast<void>(back_up());
    run("INSERT INTO t SELECT i, 'behind the backup' FROM generate_series(50001, 50100) i");
    lose_source();
  }
  // Another life: other content, other files, another timeline, and a crash.
  void live_on(Server& server) {
    wait_until_promoted(server);
    auto session = server.connect();
    session.execute("DELETE FROM t WHERE i % 100 = 0");
    session.execute("DROP TABLE dropped_later");
    session.execute("CREATE TABLE made_later AS SELECT generate_series(1, 5000) i");
    session.execute("CREATE DATABASE made_later");
    session.execute("ALTER SYSTEM SET work_mem = '7MB'");
    session.execute("CHECKPOINT");
    session.execute("INSERT INTO t VALUES (0, 'lost')");
    server.kill();
  }
  void expect_everything() {
    auto server = start_restored();
    wait_until_promoted(server);
    auto session = server.connect();
    EXPECT_EQ(session.query("SELECT count(*) FROM t").single(), "50100");
    EXPECT_EQ(session.query("SELECT count(*) FROM t WHERE i > 0 AND (i > 50000 OR x = md5(i::text))").single(),
              "50100");
    EXPECT_EQ(session.query("SELECT count(*) FROM dropped_later").single(), "50000");
    EXPECT_EQ(session.query("SELECT to_regclass('made_later') IS NULL").single(), "t");
    EXPECT_EQ(session.query("SELECT count(*) FROM pg_database WHERE datname = 'made_later'").single(), "0");
    EXPECT_EQ(session.query("SHOW work_mem").single(), "4MB");
    server.kill();
  }
  [[nodiscard]] RestoreRequest delta_request() const {
    auto request = restore_request();
    request.existing = ExistingFiles::compare;
    return request;
  }
  // Killed when not.
  static bool ended_within(std::chrono::milliseconds time, harness::process::Subprocess& process) {
    try {
      static_cast<void>(process.wait(base::Deadline::after(time)));
      return true;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::timed_out) throw;
    }
    process.send(SIGKILL);
    static_cast<void>(process.wait(soon()));
    return false;
  }
  std::string refusal(const RestoreRequest& request, ErrorKind kind) {
    base::NoProgress progress;
    try {
      static_cast<void>(restore_backup(request, progress));
      ADD_FAILURE() << "was not refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << describe(error);
      return describe(error);
    }
    return "";
  }
};

TEST_F(RestoreDelta, TakesAClusterBackThatLivedOnAndCrashed) {
  make_source();
  restore(restore_request());
  auto server = start_restored();
  live_on(server);
  const auto result = restore(delta_request());
  EXPECT_GT(result.reused_bytes, result.restored_bytes / 2);
  EXPECT_LT(result.reused_bytes, result.restored_bytes);
  EXPECT_GT(result.removed_files, 5U);
  expect_everything();
}

TEST_F(RestoreDelta, TakesTheSourcesOwnDirectoryWithDamagedAndLostFiles) {
  make_source();
  auto request = delta_request();
  request.to = data();
  fs::remove(data() / "PG_VERSION");
  fs::remove_all(data() / "pg_xact");
  fs::remove_all(data() / "pg_wal");
  std::fstream(data() / "base/1/1259", std::ios::in | std::ios::out | std::ios::binary).seekp(8000) << "ransom";
  const auto result = restore(request);
  EXPECT_GT(result.reused_bytes, result.restored_bytes / 2);
  fs::rename(data(), restored());
  expect_everything();
}

TEST_F(RestoreDelta, GoesFromAFullToItsIncrementalByWhatChanged) {
  start_source();
  receive_wal();
  run("CREATE TABLE t AS SELECT i, md5(i::text) AS x FROM generate_series(1, 50000) i");
  const auto full = back_up();
  run("UPDATE t SET x = 'changed' WHERE i <= 10");
  auto backup = backup_request();
  backup.type = BackupType::incremental;
  base::NoProgress progress;
  const auto incremental = take_backup(backup, progress);
  lose_source();
  auto request = delta_request();
  request.backup_label = full.summary.label;
  restore(request);
  request.backup_label = incremental.summary.label;
  request.target.kind = TargetKind::immediate;
  const auto result = restore(request);
  EXPECT_GT(result.reused_bytes, result.restored_bytes / 2);
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM t WHERE x = 'changed'").single(), "10");
}

TEST_F(RestoreDelta, RemovesNoWalThatTheRepositoryDoesNotHave) {
  start_source();
  receive_wal();
  run("CREATE TABLE t (i int)");
  static_cast<void>(back_up());
  stop_receiving();
  run("INSERT INTO t SELECT generate_series(1, 1000)");
  source_->kill();
  auto request = delta_request();
  request.to = data();
  const auto refused = refusal(request, ErrorKind::usage);
  EXPECT_THAT(refused, AllOf(HasSubstr("wal push"), HasSubstr((data() / "pg_wal").string())));
  EXPECT_TRUE(fs::exists(data() / "global/pg_control")) << "nothing was touched";

  // As it says: the segment named, and those behind it that were begun.
  std::set<fs::path> segments;
  for (const auto& file : fs::directory_iterator(data() / "pg_wal")) {
    if (file.is_regular_file()) segments.insert(file.path());
  }
  bool reached = false;
  for (const auto& segment : segments) {
    reached = reached || refused.find(segment.string()) != std::string::npos;
    if (!reached) continue;
    try {
      static_cast<void>(push_wal({{repository().string()}, "main", segment, {}, 0, 1}));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::mismatch) << describe(error);  // a recycled one behind the end of WAL
    }
  }
  restore(request);
  fs::rename(data(), restored());
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM t").single(), "1000") << "the last commits came back";
}

TEST_F(RestoreDelta, TakesACleanlyStoppedSourceWithoutAsking) {
  start_source();
  receive_wal();
  run("CREATE TABLE t AS SELECT generate_series(1, 1000) i");
  static_cast<void>(back_up());
  run("DELETE FROM t");
  wait_for_all_wal();
  source_->stop(harness::server::StopMode::fast, soon());  // waits until its receiver has everything
  stop_receiving();
  auto request = delta_request();
  request.to = data();
  request.target.kind = TargetKind::immediate;
  restore(request);
  fs::rename(data(), restored());
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM t").single(), "1000");
}

TEST_F(RestoreDelta, RefusesADirectoryWhoseServerRuns) {
  make_source();
  restore(restore_request());
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_THAT(refusal(delta_request(), ErrorKind::usage),
              AllOf(HasSubstr(std::to_string(server.pid())), HasSubstr("pg_ctl stop")));
  fs::rename(restored() / "postmaster.pid", directory_.path() / "postmaster.pid");
  EXPECT_THAT(refusal(delta_request(), ErrorKind::usage), HasSubstr("works in it"));
  fs::rename(directory_.path() / "postmaster.pid", restored() / "postmaster.pid");
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM t").single(), "50100") << "and it was not disturbed";
  server.stop(harness::server::StopMode::fast, soon());
  restore(delta_request());
  expect_everything();
}

TEST_F(RestoreDelta, GoesOnAfterItWasKilledAtAnyMoment) {
  make_source();
  let_server_user_read_repository();
  tests::RandomNumbers random;
  harness::process::Command command;
  command.program = RESTORE_PROGRAM;
  command.arguments = {repository().string(), restored().string(), (directory_.path() / "wal_fetch_command").string()};
  command.output_file = directory_.path() / "restore.log";
  int killed = 0;
  for (int round = 0; round < 12; ++round) {
    if (fs::exists(restored() / "global/pg_control")) fs::remove_all(restored());
    auto restoring = harness::process::Subprocess::start(command);
    killed += ended_within(std::chrono::milliseconds(random() % 400), restoring) ? 0 : 1;
  }
  EXPECT_GT(killed, 0) << "each one ended before it was killed";
  auto request = restore_request();
  if (fs::exists(restored() / "global/pg_control")) request = delta_request();
  restore(request);
  expect_everything();
}

}  // namespace
}  // namespace backup_engine
