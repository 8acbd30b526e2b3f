// A lost server comes back from its backup and its WAL, as a directory that PostgreSQL recovers by itself.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;
using harness::server::Server;
using harness::server::ServerOptions;
using testing::HasSubstr;

std::string ask_of(const Server& server, const std::string& sql) {
  return server.connect().query(sql).single();
}

class RestoreBackup : public BackedUpCluster {
 protected:
  void give_to_server_user(const fs::path& path) const {
    if (user_) {
      ASSERT_EQ(::chown(path.c_str(), user_->uid, user_->gid), 0);
    }
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

// Writes until told to stop; counts what was acknowledged.
class Load {
 public:
  explicit Load(const Server& server)
      : connection_(server.connect()), thread_([this](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            connection_.execute("BEGIN; INSERT INTO load VALUES (" + std::to_string(acknowledged_) +
                                ", repeat('x', 500)); UPDATE totals SET n = n + 1; COMMIT");
            ++acknowledged_;
          }
        }) {}
  std::int64_t stop() {
    thread_.request_stop();
    thread_.join();
    return acknowledged_;
  }
  [[nodiscard]] std::int64_t acknowledged() const { return acknowledged_; }

 private:
  postgres::Connection connection_;
  std::atomic<std::int64_t> acknowledged_ = 0;
  std::jthread thread_;
};

constexpr const char* load_tables =
    "CREATE TABLE load (i int PRIMARY KEY, filling text); CREATE TABLE totals (n bigint); INSERT INTO totals VALUES "
    "(0)";

TEST_F(RestoreBackup, BringsBackEveryCommitUnderLoad) {
  start_source();
  receive_wal();
  run(load_tables);
  Load load(*source_);
  const auto backup = back_up();
  const auto at_backup = load.acknowledged();
  EXPECT_GT(at_backup, 0);
  base::poll_until(harness::server::soon(), "some more load", [&]() -> std::optional<std::string> {
    if (load.acknowledged() > at_backup + 100) return std::nullopt;
    return std::to_string(load.acknowledged());
  });
  const auto acknowledged = load.stop();
  lose_source();

  const auto result = restore(restore_request());
  EXPECT_EQ(result.backup_label, backup.summary.label);
  EXPECT_EQ(result.restored_bytes > 20U * 1000 * 1000, true);
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(ask_of(server, "SELECT count(*) FROM load"), std::to_string(acknowledged));
  EXPECT_EQ(ask_of(server, "SELECT n FROM totals"), std::to_string(acknowledged));
  EXPECT_EQ(ask_of(server, "SHOW data_directory"), restored().string());
  EXPECT_FALSE(fs::exists(restored() / "recovery.signal")) << "recovery ended";
}

TEST_F(RestoreBackup, StopsAtTheBackupsOwnConsistentPoint) {
  start_source();
  receive_wal();
  run("CREATE TABLE t AS SELECT 1 AS i");
  static_cast<void>(back_up());
  run("INSERT INTO t VALUES (2)");
  lose_source();
  auto request = restore_request();
  request.target.kind = TargetKind::immediate;
  restore(request);
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(ask_of(server, "SELECT count(*) FROM t"), "1");
}

TEST_F(RestoreBackup, StopsAtARestorePointAndPauses) {
  start_source();
  receive_wal();
  run("CREATE TABLE t AS SELECT 1 AS i");
  static_cast<void>(back_up());
  run("INSERT INTO t VALUES (2)");
  static_cast<void>(ask("SELECT pg_create_restore_point('it''s here')"));
  run("INSERT INTO t VALUES (3)");
  lose_source();
  auto request = restore_request();
  request.target = {.kind = TargetKind::name, .value = "it's here", .timeline = "", .action = TargetAction::pause};
  restore(request);
  const auto server = start_restored();
  base::poll_until(harness::server::soon(), "the pause", [&]() -> std::optional<std::string> {
    const auto state = ask_of(server, "SELECT pg_get_wal_replay_pause_state()");
    if (state == "paused") return std::nullopt;
    return state;
  });
  EXPECT_EQ(ask_of(server, "SELECT count(*) FROM t"), "2");
}

TEST_F(RestoreBackup, KeepsModesOwnersAndEmptyDirectories) {
  start_source();
  receive_wal();
  static_cast<void>(back_up());
  lose_source();
  restore(restore_request());
  for (const auto* const path : {"", "base", "pg_wal", "pg_wal/archive_status", "pg_notify", "pg_commit_ts/",
                                 "PG_VERSION", "global/pg_control", "postgresql.auto.conf", "backup_manifest"}) {
    struct stat was {
    }, is{};
    const auto* const source = std::string_view(path) == "backup_manifest" ? "PG_VERSION" : path;
    ASSERT_EQ(::stat((data() / source).c_str(), &was), 0) << path;
    ASSERT_EQ(::stat((restored() / path).c_str(), &is), 0) << path;
    EXPECT_EQ(is.st_mode, was.st_mode) << path;
    EXPECT_EQ(is.st_uid, was.st_uid) << path;
    EXPECT_EQ(is.st_gid, was.st_gid) << path;
  }
}

TEST_F(RestoreBackup, PutsATablespaceWhereItIsToldAndNowhereElse) {
  const auto space = directory_.path() / "space", elsewhere = directory_.path() / "elsewhere";
  fs::create_directory(space);
  give_to_server_user(space);
  start_source();
  receive_wal();
  source_->connect().execute("CREATE TABLESPACE fast LOCATION '" + space.string() + "'");
  run("CREATE TABLE t TABLESPACE fast AS SELECT generate_series(1, 5000) i; CHECKPOINT");
  static_cast<void>(back_up());
  run("INSERT INTO t VALUES (0)");
  lose_source();

  auto request = restore_request();
  EXPECT_THAT(refusal(request, ErrorKind::usage), HasSubstr(space.string()));
  request.tablespace_map = {{space, restored() / "inside"}};
  refusal(request, ErrorKind::usage);
  request.tablespace_map = {{space, space}};
  refusal(request, ErrorKind::already_exists);
  EXPECT_FALSE(fs::exists(restored())) << "nothing was touched";

  fs::rename(space, directory_.path() / "space-of-the-source");  // whatever still points there is seen
  request.tablespace_map = {{space, elsewhere}};
  restore(request);
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(ask_of(server, "SELECT count(*) FROM t"), "5001");
  EXPECT_EQ(ask_of(server, "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'fast'"),
            elsewhere.string());
  EXPECT_FALSE(fs::exists(space));
}

TEST_F(RestoreBackup, BringsConfigurationBackFromOutside) {
  auto wanted = options();
  const auto etc = directory_.path() / "etc";
  fs::create_directories(etc / "conf.d");
  for (const auto* const name : {"postgresql.conf", "pg_hba.conf", "pg_ident.conf"})
    fs::rename(data() / name, etc / name);
  std::ofstream(etc / "postgresql.conf", std::ios::app)
      << "\ndata_directory = '" << data().string() << "'\nhba_file = '" << (etc / "pg_hba.conf").string()
      << "'\nident_file = '" << (etc / "pg_ident.conf").string() << "'\ninclude_dir 'conf.d'\nwork_mem = 7MB\n"
      << "recovery_target_name = 'of another time'\n";
  std::ofstream(etc / "conf.d" / "site.conf") << "work_mem = 5MB\nmaintenance_work_mem = 9MB\n";
  std::ofstream(etc / "pg_hba.conf", std::ios::app) << "# from etc\n";
  wanted.settings = {{"config_file", (etc / "postgresql.conf").string()}, {"max_connections", "150"}};
  for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) give_to_server_user(entry.path());
  start_source(wanted);
  receive_wal();
  run("CREATE TABLE t AS SELECT 1 AS i");
  run("ALTER SYSTEM SET recovery_target_xid = '4711'");
  run("ALTER SYSTEM SET restore_command = 'false'");
  run("ALTER SYSTEM SET temp_buffers = '3MB'");
  static_cast<void>(back_up());
  lose_source();
  fs::rename(etc, directory_.path() / "etc-of-the-source");

  restore(restore_request());
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(ask_of(server, "SHOW data_directory"), restored().string());
  EXPECT_EQ(ask_of(server, "SHOW hba_file"), (restored() / "pg_hba.conf").string());
  EXPECT_EQ(ask_of(server, "SHOW work_mem"), "7MB");
  EXPECT_EQ(ask_of(server, "SHOW maintenance_work_mem"), "9MB");
  EXPECT_EQ(ask_of(server, "SHOW temp_buffers"), "3MB");
  EXPECT_EQ(ask_of(server, "SHOW max_connections"), "150") << "hot standby needs what the source ran with";
  EXPECT_EQ(ask_of(server, "SELECT count(*) FROM t"), "1");
  EXPECT_THAT(base::read_file(restored() / "pg_hba.conf"), HasSubstr("# from etc"));
}

// The source's settings, which come with its files, would have a copy archive where the source does.
TEST_F(RestoreBackup, ArchivesOnlyWhereItIsToldTo) {
  start_source();
  receive_wal();
  const auto archive = directory_.path() / "archive";
  fs::create_directory(archive);
  give_to_server_user(archive);
  run("ALTER SYSTEM SET archive_mode = on");
  run("ALTER SYSTEM SET archive_command = 'cp %p " + archive.string() + "/%f'");
  back_up();
  lose_source();
  auto request = restore_request();
  EXPECT_THAT(restore(request).notes,
              testing::Contains(HasSubstr("archive_mode is on; in what was restored it is off")));
  {
    auto copy = start_restored();
    wait_until_promoted(copy);
    EXPECT_EQ(ask_of(copy, "SHOW archive_mode"), "off");
    EXPECT_EQ(ask_of(copy, "SELECT pg_switch_wal() > '0/0'"), "t");
    copy.stop(harness::server::StopMode::fast, harness::server::soon());
  }
  EXPECT_TRUE(fs::is_empty(archive));
  fs::remove_all(restored());
  request.archive_mode = ArchiveMode::preserve;
  EXPECT_THAT(restore(request).notes, testing::Contains(HasSubstr("archives as the source did")));
  auto successor = start_restored();
  wait_until_promoted(successor);
  base::poll_until(harness::server::soon(), "the new timeline in the archive", [&]() -> std::optional<std::string> {
    return fs::exists(archive / "00000002.history") ? std::nullopt : std::optional<std::string>("not there");
  });
}

TEST_F(RestoreBackup, RefusesADirectoryThatIsNotEmptyAndOtherBadRequests) {
  start_source();
  receive_wal();
  static_cast<void>(back_up());
  lose_source();
  fs::create_directory(restored());
  std::ofstream(restored() / "mine") << "keep";
  EXPECT_THAT(refusal(restore_request(), ErrorKind::already_exists), HasSubstr(restored().string()));
  EXPECT_EQ(base::read_file(restored() / "mine"), "keep");
  EXPECT_EQ(std::distance(fs::directory_iterator(restored()), fs::directory_iterator()), 1);
  fs::remove(restored() / "mine");

  auto request = restore_request();
  request.backup_label = "20200101T000000Z-full";
  refusal(request, ErrorKind::not_found);
  request = restore_request();
  request.cluster = "other";
  refusal(request, ErrorKind::not_found);
  request = restore_request();
  request.target = {.kind = TargetKind::lsn, .value = "0/1", .timeline = ""};
  refusal(request, ErrorKind::not_found);
  EXPECT_TRUE(fs::is_empty(restored())) << "nothing was touched";
  restore(restore_request());  // an empty directory will do
}

}  // namespace
}  // namespace backup_engine
