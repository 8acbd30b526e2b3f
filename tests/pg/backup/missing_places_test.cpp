// Tablespaces and databases that are not to be seen, or lie where they should not: a backup holds all or is refused.
#include <gmock/gmock.h>
#include <unistd.h>

#include <mutex>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "tests/pg/backup/chained_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class MissingPlaces : public ChainedCluster, public testing::WithParamInterface<bool> {
 protected:
  MissingPlaces() { streaming_ = GetParam(); }

  void SetUp() override {
    start_source();
    receive_wal();
    make_rows();
  }

  void make_directory(const fs::path& path) const {
    fs::create_directory(path);
    if (user_) {
      ASSERT_EQ(::chown(path.c_str(), user_->uid, user_->gid), 0);
    }
  }
  // With a table; returns the tablespace's OID.
  std::string make_space(const fs::path& place) {
    make_directory(place);
    run("CREATE TABLESPACE far LOCATION '" + place.string() + "'");
    run("CREATE TABLE far TABLESPACE far AS SELECT generate_series(1, 50001) i");
    run("CHECKPOINT");  // while its disk is away none is needed of its pages
    return ask("SELECT oid FROM pg_tablespace WHERE spcname = 'far'");
  }
  void expect_refusal(const std::vector<std::string>& names) {
    try {
      const auto taken = take(BackupType::full);
      ADD_FAILURE() << "took " << taken.label << " of what is not there";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), base::ErrorKind::io) << describe(error);
      EXPECT_NE(error.remedy(), "");
      for (const auto& name : names) EXPECT_THAT(error.what(), HasSubstr(name));
    }
  }
};

}  // namespace

TEST_P(MissingPlaces, ATablespaceWhoseDiskIsAwayIsNamed) {
  const auto space = directory_.path() / "space";
  const auto oid = make_space(space);
  fs::rename(space, directory_.path() / "away");
  expect_refusal({oid, space.string()});
  make_directory(space);  // an empty mount point
  expect_refusal({oid, space.string()});
  fs::remove(space);
  fs::rename(directory_.path() / "away", space);
  const auto taken = take(BackupType::full);
  lose_source();
  EXPECT_EQ(in_backup(taken.label, "SELECT count(*) FROM far"), "50001");
}

TEST_P(MissingPlaces, ADatabaseWithoutItsFilesIsNamed) {
  run("CREATE DATABASE shop");
  run("CHECKPOINT");
  const auto oid = ask("SELECT oid FROM pg_database WHERE datname = 'shop'");
  const auto place = data() / "base" / oid;
  fs::rename(place, directory_.path() / "away");
  expect_refusal({"database with OID " + oid, "base/" + oid + "/PG_VERSION"});
  fs::rename(directory_.path() / "away", place);
}

// "a_space" is listed before the links in pg_tblspc are.
TEST_P(MissingPlaces, ATablespaceInsideTheDataDirectoryComesBack) {
  make_space(data() / "a_space");
  const auto taken = take(BackupType::full);
  lose_source();
  EXPECT_EQ(in_backup(taken.label, "SELECT count(*) FROM far"), "50001");
}

TEST_P(MissingPlaces, WhatIsDroppedWhileTheBackupRunsIsNotMissed) {
  make_space(directory_.path() / "space");
  run("CREATE DATABASE shop TABLESPACE far");
  auto request = backup_request();
  request.max_bytes_per_second = 20'000'000;
  std::once_flag once;
  std::jthread dropping;  // PostgreSQL waits there for the backup that it is sending
  request.on_held_back = [&](std::chrono::nanoseconds) {
    std::call_once(once, [&] {
      dropping = std::jthread([&] {
        run("DROP DATABASE shop");
        run("DROP TABLE far");
        run("CREATE TABLE late AS SELECT 1 i");
        run("DROP TABLESPACE far");
        run("CREATE DATABASE late");
      });
    });
  };
  base::NoProgress progress;
  const auto taken = take_backup(request, progress).summary;
  ASSERT_TRUE(dropping.joinable());
  dropping.join();
  lose_source();
  EXPECT_EQ(in_backup(taken.label,
                      "SELECT (SELECT count(*) FROM late) || ' ' || string_agg(datname, ',' ORDER BY datname) "
                      "FROM pg_database WHERE NOT datistemplate"),
            "1 late,postgres");
}

TEST_P(MissingPlaces, ARoleWithoutSqlIsToldWhatDidNotCome) {
  if (!streaming_) return;  // reading files needs SQL
  const auto space = directory_.path() / "space";
  const auto oid = make_space(space);
  run("CREATE ROLE copier REPLICATION LOGIN");
  run("REVOKE CONNECT ON DATABASE postgres, template1 FROM public");
  fs::rename(space, directory_.path() / "away");
  auto request = backup_request();
  request.conninfo = source_->conninfo_as("copier", "postgres");
  base::NoProgress progress;
  try {
    static_cast<void>(take_backup(request, progress));
    ADD_FAILURE() << "took a backup of what is not there";
  } catch (const base::Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(oid));
    EXPECT_THAT(error.what(), HasSubstr(space.string()));
  }
  fs::rename(directory_.path() / "away", space);
}

INSTANTIATE_TEST_SUITE_P(Sources, MissingPlaces, testing::Bool(),
                         [](const auto& chosen) { return std::string(chosen.param ? "Stream" : "Files"); });

}  // namespace backup_engine
