// A backup over the connection alone: what the role must be allowed, and what a stream that breaks leaves behind.
#include <gmock/gmock.h>

#include <unistd.h>

#include <fstream>
#include <functional>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/conninfo.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"
#include "tests/pg/backup/cut_connection.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;
using harness::server::soon;
using testing::HasSubstr;

// Does something once so much of the copy has come.
class At final : public base::Progress {
 public:
  At(std::uint64_t bytes, std::function<void()> action) : bytes_left_(bytes), action_(std::move(action)) {}
  void begin(std::string_view /*phase*/, std::uint64_t /*total_bytes*/) override {}
  void advance(std::uint64_t bytes) override {
    if (!action_) return;
    bytes_left_ -= std::min(bytes, bytes_left_);
    if (bytes_left_ == 0) std::exchange(action_, nullptr)();
  }
  void end() override {}

 private:
  std::uint64_t bytes_left_;
  std::function<void()> action_;
};

class StreamBackup : public BackedUpCluster {
 protected:
  StreamBackup() { streaming_ = true; }

  // What take_backup fails with; nothing of it is to be seen, and none of its objects is left.
  Error failure(const BackupRequest& request, base::Progress& progress, const std::stop_token& stop = {}) {
    std::optional<Error> failed;
    try {
      static_cast<void>(take_backup(request, progress, stop));
      ADD_FAILURE() << "did not fail";
    } catch (const Error& error) {
      failed = error;
    }
    const auto backups = repository() / "clusters" / "main" / "backups";
    std::size_t files = 0;
    if (fs::exists(backups)) {
      for (const auto& entry : fs::recursive_directory_iterator(backups))
        if (entry.is_regular_file()) ++files;
    }
    EXPECT_EQ(files, 0U) << "nothing of the broken backup is left";
    return failed.value_or(Error(ErrorKind::internal, "did not fail"));
  }
  Error failure(const BackupRequest& request) {
    base::NoProgress progress;
    return failure(request, progress);
  }

  // Neither a walsender of a backup nor a backup that goes on.
  void expect_nothing_left_on_server() {
    base::poll_until(soon(), "the server to forget the backup", [&]() -> std::optional<std::string> {
      const auto count =
          ask("SELECT (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lifeboat backup') + "
              "(SELECT count(*) FROM pg_stat_progress_basebackup)");
      if (count == "0") return std::nullopt;
      return count + " left";
    });
  }
  void expect_next_backup_works() {
    const auto result = back_up();
    EXPECT_EQ(result.summary.source, "stream");
    lose_source();
    restore(restore_request());
    auto server = start_restored();
    wait_until_promoted(server);
    EXPECT_EQ(server.connect().query("SELECT count(*) FROM t").single(), "200000");
  }
  void start_with_table() {
    start_source();
    receive_wal();
    run("CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 200000) i");
  }
  void prepend_to_hba(const std::string& line) {
    const auto path = data() / "pg_hba.conf";
    const auto rest = base::read_file(path);
    std::ofstream(path) << line << "\n" << rest;
    EXPECT_EQ(ask("SELECT pg_reload_conf()"), "t");
  }
  [[nodiscard]] store::Manifest manifest_of(const std::string& label) const {
    return store::read_manifest(*store::open_repository({repository().string()}), "main", label);
  }

  static constexpr std::uint64_t midway_bytes = 12'000'000;
};

TEST_F(StreamBackup, NeedsNothingButReplication) {
  start_with_table();
  run("CREATE ROLE streamer LOGIN REPLICATION");
  auto request = backup_request();
  request.conninfo = source_->conninfo_as("streamer", "postgres");
  base::NoProgress progress;
  const auto result = take_backup(request, progress);
  EXPECT_EQ(manifest_of(result.summary.label).databases.size(), 3U);
  lose_source();
  restore(restore_request());
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM t").single(), "200000");
}

TEST_F(StreamBackup, NeedsNoSqlAtAll) {
  start_with_table();
  run("CREATE ROLE streamer LOGIN REPLICATION");
  prepend_to_hba("local all streamer reject");
  auto request = backup_request();
  request.conninfo = source_->conninfo_as("streamer", "postgres");
  base::poll_until(soon(), "the server to refuse SQL", [&]() -> std::optional<std::string> {
    try {
      postgres::Connection(request.conninfo, "test");
      return "it takes it";
    } catch (const Error&) {
      return std::nullopt;
    }
  });
  const auto before = base::parse_rfc3339(
      ask(R"(SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))"));
  base::NoProgress progress;
  const auto result = take_backup(request, progress);
  const auto after = base::parse_rfc3339(
      ask(R"(SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))"));
  const auto manifest = manifest_of(result.summary.label);
  EXPECT_TRUE(manifest.databases.empty()) << "nobody could be asked";
  EXPECT_GT(manifest.summary.stopped_at, before) << "the stream of WAL tells the server's clock";
  EXPECT_LT(manifest.summary.stopped_at, after);
  expect_nothing_left_on_server();
  lose_source();
  restore(restore_request());
}

TEST_F(StreamBackup, RefusesARoleThatMayNotReplicate) {
  start_source();
  run("CREATE ROLE nobody_special LOGIN");
  auto request = backup_request();
  request.conninfo = source_->conninfo_as("nobody_special", "postgres");
  const auto error = failure(request);
  EXPECT_EQ(error.kind(), ErrorKind::connection) << describe(error);
  EXPECT_THAT(error.remedy(), HasSubstr("REPLICATION"));
}

TEST_F(StreamBackup, NamesAFileThatTheServerItselfMayNotReadAndNoRightOfTheRole) {
  start_source();
  receive_wal();
  const auto file = data() / "base" / "unreadable";
  std::ofstream(file) << "x";
  fs::permissions(file, fs::perms::none);
  const auto error = failure(backup_request());
  EXPECT_THAT(error.what(), HasSubstr("base/unreadable"));
  EXPECT_EQ(error.remedy().find("REPLICATION"), std::string::npos) << describe(error);
  EXPECT_THAT(error.remedy(), HasSubstr("owner and mode"));
}

TEST_F(StreamBackup, AsksForTheRightToReadConfigurationThatLiesElsewhere) {
  auto wanted = options();
  const auto etc = directory_.path() / "etc";
  fs::create_directories(etc);
  for (const auto* const name : {"postgresql.conf", "pg_hba.conf", "pg_ident.conf"}) {
    fs::rename(data() / name, etc / name);
  }
  std::ofstream(etc / "postgresql.conf", std::ios::app)
      << "\ndata_directory = '" << data().string() << "'\nhba_file = '" << (etc / "pg_hba.conf").string()
      << "'\nident_file = '" << (etc / "pg_ident.conf").string() << "'\nwork_mem = 7MB\n";
  for (const auto& entry : fs::recursive_directory_iterator(etc)) {
    if (user_) {
      ASSERT_EQ(::chown(entry.path().c_str(), user_->uid, user_->gid), 0);
    }
  }
  wanted.settings = {{"config_file", (etc / "postgresql.conf").string()}};
  start_source(wanted);
  receive_wal();
  run("CREATE ROLE streamer LOGIN REPLICATION");
  auto request = backup_request();
  request.conninfo = source_->conninfo_as("streamer", "postgres");
  const auto unseen = failure(request);
  EXPECT_EQ(unseen.kind(), ErrorKind::permission) << describe(unseen);
  EXPECT_THAT(unseen.what(), HasSubstr("postgresql.conf"));
  EXPECT_THAT(unseen.remedy(), HasSubstr("GRANT EXECUTE ON FUNCTION pg_read_binary_file"));
  run("GRANT pg_read_all_settings TO streamer");
  const auto unread = failure(request);
  EXPECT_EQ(unread.kind(), ErrorKind::permission) << describe(unread);
  EXPECT_THAT(unread.what(), HasSubstr((etc / "postgresql.conf").string()));
  // As the remedy says.
  run("GRANT pg_read_all_settings, pg_read_server_files TO streamer");
  run("GRANT EXECUTE ON FUNCTION pg_read_binary_file(text, bigint, bigint, boolean), "
      "pg_ls_dir(text, boolean, boolean) TO streamer");
  base::NoProgress progress;
  static_cast<void>(take_backup(request, progress));
  lose_source();
  fs::rename(etc, directory_.path() / "etc-of-the-source");
  restore(restore_request());
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(server.connect().query("SHOW work_mem").single(), "7MB");
}

TEST_F(StreamBackup, RefusesToBeginWhileNoWalArrives) {
  start_source();
  auto request = backup_request();
  request.wal_timeout = std::chrono::seconds(1);
  const auto error = failure(request);
  EXPECT_EQ(error.kind(), ErrorKind::timed_out) << describe(error);
  EXPECT_THAT(error.remedy(), HasSubstr("wal receive"));
  expect_nothing_left_on_server();
}

TEST_F(StreamBackup, RefusesALinkThatBaseBackupDoesNotSend) {
  start_source();
  const auto xact = directory_.path() / "xact";
  source_->stop(harness::server::StopMode::fast, soon());
  fs::rename(data() / "pg_xact", xact);
  fs::create_directory_symlink(xact, data() / "pg_xact");
  start_source();
  receive_wal();
  const auto error = failure(backup_request());
  EXPECT_EQ(error.kind(), ErrorKind::unsupported) << describe(error);
  EXPECT_THAT(error.what(), HasSubstr("pg_xact"));
  EXPECT_THAT(error.remedy(), HasSubstr("--pgdata"));
}

TEST_F(StreamBackup, NamesAFileWhoseNameIsTooLongForTheProtocol) {
  start_source();
  receive_wal();
  const std::string name(100, 'n');
  std::ofstream(data() / name) << "one more than a tar header holds";
  const auto error = failure(backup_request());
  EXPECT_EQ(error.kind(), ErrorKind::server) << describe(error);
  EXPECT_THAT(error.what(), HasSubstr(name));
  EXPECT_THAT(error.remedy(), HasSubstr("--pgdata"));
  expect_nothing_left_on_server();
}

TEST_F(StreamBackup, LeavesNothingWhenItIsCancelledMidway) {
  start_with_table();
  std::stop_source stop;
  At midway(midway_bytes, [&] { stop.request_stop(); });
  const auto error = failure(backup_request(), midway, stop.get_token());
  EXPECT_EQ(error.kind(), ErrorKind::interrupted) << describe(error);
  expect_nothing_left_on_server();
  expect_next_backup_works();
}

TEST_F(StreamBackup, LeavesNothingWhenItsWalsenderIsTerminated) {
  start_with_table();
  At midway(midway_bytes,
            [&] { EXPECT_EQ(ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_progress_basebackup"), "1"); });
  const auto error = failure(backup_request(), midway);
  EXPECT_EQ(error.kind(), ErrorKind::connection) << describe(error);
  EXPECT_FALSE(error.remedy().empty());
  expect_nothing_left_on_server();
  expect_next_backup_works();
}

TEST_F(StreamBackup, LeavesNothingWhenTheServerIsKilled) {
  start_with_table();
  wait_for_all_wal();
  At midway(midway_bytes, [&] { source_->kill(); });
  const auto error = failure(backup_request(), midway);
  EXPECT_EQ(error.kind(), ErrorKind::connection) << describe(error);
  start_source();
  expect_nothing_left_on_server();
}

TEST_F(StreamBackup, LeavesNothingWhenTheConnectionIsCutAnywhere) {
  start_with_table();
  for (const std::uint64_t bytes : {std::uint64_t{300}, std::uint64_t{5000}, std::uint64_t{100'001}, midway_bytes}) {
    const CutConnection cut(source_->socket_directory(), directory_.path() / "cut", bytes);
    auto request = backup_request();
    request.conninfo = postgres::with_keyword(request.conninfo, "host", cut.directory().string());
    const auto error = failure(request);
    EXPECT_EQ(error.kind(), ErrorKind::connection) << describe(error);
    expect_nothing_left_on_server();
  }
  expect_next_backup_works();
}

TEST_F(StreamBackup, HearsTheCancellationWhileTheServerSaysNothing) {
  start_with_table();
  CutConnection stalled(source_->socket_directory(), directory_.path() / "stalled", midway_bytes,
                        CutConnection::Then::say_nothing);
  auto request = backup_request();
  request.conninfo = postgres::with_keyword(request.conninfo, "host", stalled.directory().string());
  std::stop_source stop;
  const std::jthread canceller([&] {
    stalled.wait_until_reached(soon());
    stop.request_stop();
  });
  base::NoProgress progress;
  const auto error = failure(request, progress, stop.get_token());
  EXPECT_EQ(error.kind(), ErrorKind::interrupted) << describe(error);
  stalled.close();
  expect_nothing_left_on_server();
}

}  // namespace
}  // namespace backup_engine
