// What a backup of a running server finds, holds and refuses.
#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class TakeBackup : public BackedUpCluster {
 protected:
  [[nodiscard]] std::vector<std::string> stored_paths(const std::string& label) {
    const auto storage = store::open_repository({repository().string()});
    const store::BackupReader reader(*storage, "main", label);
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < reader.files().size(); ++i) paths.emplace_back(reader.files().path(i));
    return paths;
  }

  // The message, when it is of `kind`; no backup is visible afterwards.
  std::string refusal(const BackupRequest& request, ErrorKind kind) {
    base::NoProgress progress;
    std::string message;
    try {
      static_cast<void>(take_backup(request, progress));
      ADD_FAILURE() << "was not refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << describe(error);
      EXPECT_FALSE(error.remedy().empty()) << describe(error);
      message = describe(error);
    }
    EXPECT_EQ(visible_backups(), 0U);
    return message;
  }
  [[nodiscard]] std::size_t visible_backups() {
    std::size_t count = 0;
    for (const auto& cluster : list_repository({repository().string()})) count += cluster.backups.size();
    return count;
  }
};

TEST_F(TakeBackup, DescribesWhatItHolds) {
  start_source();
  receive_wal();
  run("CREATE DATABASE shop");
  const auto result = back_up();
  EXPECT_EQ(result.summary.cluster, "main");
  EXPECT_EQ(result.summary.source, "files");
  EXPECT_EQ(result.summary.postgres_major, options().installation.version.major());
  EXPECT_EQ(std::to_string(result.summary.system_identifier), ask("SELECT system_identifier FROM pg_control_system()"));
  EXPECT_LT(result.summary.start_lsn, result.summary.stop_lsn);
  EXPECT_EQ(result.summary.timeline, postgres::TimelineId(1));
  EXPECT_TRUE(result.summary.data_checksums);
  EXPECT_TRUE(result.damaged_pages.empty());
  EXPECT_GT(result.summary.source_bytes, 20U * 1000 * 1000);
  EXPECT_GT(result.summary.file_count, 900U);
  EXPECT_LT(result.summary.stored_bytes, result.summary.source_bytes);
  const auto listed = list_repository({repository().string()});
  ASSERT_EQ(listed.size(), 1U);
  ASSERT_EQ(listed[0].backups.size(), 1U);
  EXPECT_EQ(listed[0].backups[0].label, result.summary.label);
  ASSERT_TRUE(result.summary.stopped_at.has_value());
  const auto storage = store::open_repository({repository().string()});
  const auto databases = store::read_manifest(*storage, "main", result.summary.label).databases;
  EXPECT_THAT(databases, Contains(store::Database{1, "template1", true}));
  EXPECT_THAT(databases, Contains(testing::Field(&store::Database::name, "shop")));
  EXPECT_EQ(std::to_string(databases.size()), ask("SELECT count(*) FROM pg_database"));
  lose_source();
}

TEST_F(TakeBackup, LeavesOutWhatBelongsToTheRunningServer) {
  start_source();
  receive_wal();
  auto session = source_->connect();
  session.execute(
      "CREATE UNLOGGED TABLE unlogged AS SELECT generate_series(1, 1000) i; CREATE TEMPORARY TABLE gone AS SELECT 1");
  const auto unlogged = session.query("SELECT pg_relation_filepath('unlogged')").single();
  const auto temporary = session.query("SELECT pg_relation_filepath('gone')").single();
  session.execute("CHECKPOINT");
  ASSERT_TRUE(fs::exists(data() / temporary));
  const auto paths = stored_paths(back_up().summary.label);
  for (const auto& left_out : {unlogged, temporary, std::string("postmaster.pid"), std::string("postmaster.opts"),
                               std::string("global/pg_internal.init"), std::string("pg_wal/000000010000000000000001"),
                               std::string("pg_replslot/lifeboat"), std::string("tablespace_map")}) {
    EXPECT_THAT(paths, Not(Contains(left_out)));
  }
  for (const auto& kept : {unlogged + "_init", std::string("pg_wal/archive_status"), std::string("pg_replslot"),
                           std::string("pg_notify"), std::string("backup_label"), std::string("backup_manifest"),
                           std::string("global/pg_control"), std::string("PG_VERSION")}) {
    EXPECT_THAT(paths, Contains(kept));
  }
  lose_source();
}

TEST_F(TakeBackup, RefusesTheDataDirectoryOfAnotherServer) {
  start_source();
  receive_wal();
  auto request = backup_request();
  request.pgdata = options("other").data_directory;
  EXPECT_THAT(refusal(request, ErrorKind::mismatch), HasSubstr(request.pgdata.string()));
  fs::copy(data(), directory_.path() / "copy", fs::copy_options::recursive);
  request.pgdata = directory_.path() / "copy";
  EXPECT_THAT(refusal(request, ErrorKind::mismatch), HasSubstr("another directory"));
  request.pgdata = directory_.path() / "nothing";
  EXPECT_THAT(refusal(request, ErrorKind::not_found), HasSubstr("is no data directory"));
  lose_source();
}

TEST_F(TakeBackup, RefusesTheRepositoryOfAnotherCluster) {
  start_source();
  receive_wal();
  wait_for_all_wal();
  const auto other = started(options("other"));
  auto request = backup_request();
  request.conninfo = other.conninfo();
  request.pgdata = options("other").data_directory;
  static_cast<void>(refusal(request, ErrorKind::mismatch));
  lose_source();
}

TEST_F(TakeBackup, RefusesADirectoryThatIsNoRepository) {
  start_source();
  auto request = backup_request();
  request.repository = {(directory_.path() / "nowhere").string()};
  static_cast<void>(refusal(request, ErrorKind::not_found));
}

TEST_F(TakeBackup, RefusesToBeginWhileNoWalArrives) {
  start_source();
  auto request = backup_request();
  request.wal_timeout = std::chrono::seconds(1);
  EXPECT_THAT(refusal(request, ErrorKind::timed_out), HasSubstr("wal receive"));
  EXPECT_EQ(fs::exists(repository() / "clusters" / "main" / "backups"), false) << "nothing was copied";
}

TEST_F(TakeBackup, RefusesARoleWithoutTheRights) {
  start_source();
  receive_wal();
  run("CREATE ROLE nobody_special LOGIN");
  auto request = backup_request();
  request.conninfo = source_->conninfo_as("nobody_special", "postgres");
  static_cast<void>(refusal(request, ErrorKind::permission));
  lose_source();
}

TEST_F(TakeBackup, LeavesNothingVisibleWhenItIsInterrupted) {
  start_source();
  receive_wal();
  std::stop_source stop;
  stop.request_stop();
  base::NoProgress progress;
  EXPECT_THROW(static_cast<void>(take_backup(backup_request(), progress, stop.get_token())), Error);
  EXPECT_EQ(visible_backups(), 0U);
  lose_source();
}

}  // namespace
}  // namespace backup_engine
