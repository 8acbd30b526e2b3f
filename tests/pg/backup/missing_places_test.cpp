// Tablespaces and databases that are not to be seen, or lie where they should not: a backup holds all or is refused,
// whichever way its files come.
#include <gmock/gmock.h>
#include <unistd.h>

#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/remove_tree.hpp"
#include "tests/pg/backup/chained_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr auto rows_in_space = "SELECT count(*) FROM far";

class MissingPlaces : public ChainedCluster {
 protected:
  void SetUp() override {
    start_source();
    receive_wal();
    make_rows();
  }

  [[nodiscard]] fs::path make_space(const std::string& name) const {
    const auto space = directory_.path() / name;
    fs::create_directory(space);
    if (user_) {
      EXPECT_EQ(::chown(space.c_str(), user_->uid, user_->gid), 0);
    }
    return space;
  }
  // With a table; returns the tablespace's OID.
  std::string make_tablespace(const fs::path& place) {
    run("CREATE TABLESPACE far LOCATION '" + place.string() + "'");
    run("CREATE TABLE far TABLESPACE far AS SELECT generate_series(1, 50001) i");
    run("CHECKPOINT");  // while its disk is away none is needed of its pages
    return ask("SELECT oid FROM pg_tablespace WHERE spcname = 'far'");
  }
  [[nodiscard]] BackupRequest request(bool streaming) {
    streaming_ = streaming;
    return backup_request();
  }
  // By files and by stream: the labels.
  std::vector<std::string> take_both() {
    std::vector<std::string> labels;
    for (const bool streaming : {false, true}) {
      streaming_ = streaming;
      labels.push_back(take(BackupType::full).label);
    }
    return labels;
  }
  static std::string refusal_of(const BackupRequest& wanted) {
    base::NoProgress progress;
    try {
      static_cast<void>(take_backup(wanted, progress));
      ADD_FAILURE() << "took a backup of what is not there";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), base::ErrorKind::io) << describe(error);
      EXPECT_NE(error.remedy(), "");
      return error.what();
    }
    return "";
  }
  void expect_refusals(const std::vector<std::string>& names) {
    for (const bool streaming : {false, true}) {
      const auto words = refusal_of(request(streaming));
      for (const auto& name : names) EXPECT_THAT(words, HasSubstr(name));
    }
  }
  // The server's answer when the backup is recovered to that restore point.
  std::string recovered_to(const std::string& point, const std::string& label, const std::string& question) {
    auto wanted = restore_request();
    wanted.backup_label = label;
    wanted.target = {TargetKind::name, point, true, "", TargetAction::promote};
    wanted.other_tablespaces = make_space("again_spaces");
    restore(wanted);
    std::string answer;
    {
      auto server = start_restored();
      wait_until_promoted(server);
      answer = server.connect().query(question).single();
    }
    EXPECT_FALSE(base::remove_tree(wanted.to));
    EXPECT_FALSE(base::remove_tree(wanted.other_tablespaces));
    return answer;
  }
  void expect_rows_in(const std::vector<std::string>& labels) {
    for (const auto& label : labels) EXPECT_EQ(in_backup(label, rows_in_space), "50001") << label;
  }
};

}  // namespace

TEST_F(MissingPlaces, ATablespaceWhoseDiskIsAwayIsNamed) {
  const auto space = make_space("space");
  const auto oid = make_tablespace(space);
  fs::rename(space, directory_.path() / "away");
  expect_refusals({oid, space.string()});
  static_cast<void>(make_space("space"));  // an empty mount point
  expect_refusals({oid, space.string()});
  fs::remove(space);
  fs::rename(directory_.path() / "away", space);
  const auto labels = take_both();
  lose_source();
  expect_rows_in(labels);
}

TEST_F(MissingPlaces, ADatabaseWithoutItsFilesIsNamed) {
  run("CREATE DATABASE shop");
  run("CHECKPOINT");
  const auto oid = ask("SELECT oid FROM pg_database WHERE datname = 'shop'");
  const auto place = data() / "base" / oid;
  fs::rename(place, directory_.path() / "away");
  expect_refusals({"database with OID " + oid, "base/" + oid + "/PG_VERSION"});
  fs::rename(directory_.path() / "away", place);
}

// "a_space" is listed before the links in pg_tblspc are.
TEST_F(MissingPlaces, ATablespaceInsideTheDataDirectoryComesBack) {
  make_tablespace(make_space("data/a_space"));
  const auto labels = take_both();
  lose_source();
  expect_rows_in(labels);
}

TEST_F(MissingPlaces, WhatIsDroppedWhileTheBackupRunsIsNotMissed) {
  const auto space = make_space("space");
  std::map<std::string, std::string> labels;  // by the restore point behind what was dropped
  for (const bool streaming : {false, true}) {
    run("DROP DATABASE IF EXISTS late");
    run("DROP TABLE IF EXISTS late");
    make_tablespace(space);
    run("CREATE DATABASE shop TABLESPACE far");
    auto slow = request(streaming);
    slow.max_bytes_per_second = 10'000'000;  // less than a busy machine reads
    std::once_flag once;
    std::jthread dropping;  // PostgreSQL waits there for the backup that it is sending
    slow.on_held_back = [&](std::chrono::nanoseconds) {
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
    const auto label = take_backup(slow, progress).summary.label;
    ASSERT_TRUE(dropping.joinable());
    dropping.join();
    const std::string point = streaming ? "stream" : "files";
    run("SELECT pg_create_restore_point('" + point + "')");
    run("CHECKPOINT");  // flushes it
    labels[point] = label;
  }
  lose_source();
  for (const auto& [point, label] : labels) {
    EXPECT_EQ(recovered_to(point, label,
                           "SELECT (SELECT count(*) FROM late) || ' ' || string_agg(datname, ',' ORDER BY datname) "
                           "FROM pg_database WHERE NOT datistemplate"),
              "1 late,postgres");
  }
}

// Its files are gone, and its commit waits for a synchronous standby: for as long as nobody gives the word.
TEST_F(MissingPlaces, WhatIsBeingDroppedIsWaitedForAsLongAsThatLasts) {
  const auto space = make_space("space");
  make_tablespace(space);
  run("DROP TABLE far");
  run("ALTER SYSTEM SET synchronous_standby_names = 'nobody_there'");
  run("SELECT pg_reload_conf()");
  std::jthread dropping([&] { run("DROP TABLESPACE far"); });
  const auto wait_for = [&](const std::string& what, const std::string& question) {
    base::poll_until(harness::server::soon(), what, [&]() -> std::optional<std::string> {
      return ask(question) == "0" ? std::optional<std::string>("not yet") : std::nullopt;
    });
  };
  wait_for("the drop to wait", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
  ASSERT_TRUE(fs::is_empty(space));
  auto taking = std::async(std::launch::async, [this] { return take(BackupType::full).label; });
  wait_for("the backup to look twice",
           "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lifeboat backup' AND "
           "query LIKE '%pg_database%' AND state = 'idle'");
  EXPECT_EQ(taking.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  run("ALTER SYSTEM RESET synchronous_standby_names");
  run("SELECT pg_reload_conf()");
  const auto label = taking.get();
  dropping.join();
  lose_source();
  EXPECT_EQ(in_backup(label, "SELECT count(*) FROM pg_tablespace WHERE spcname = 'far'"), "0");
}

TEST_F(MissingPlaces, ARoleWithoutSqlIsToldWhatDidNotCome) {
  const auto space = make_space("space");
  const auto oid = make_tablespace(space);
  run("CREATE ROLE copier REPLICATION LOGIN");
  run("REVOKE CONNECT ON DATABASE postgres, template1 FROM public");
  fs::rename(space, directory_.path() / "away");
  auto without_sql = request(true);  // reading files needs SQL
  without_sql.conninfo = source_->conninfo_as("copier", "postgres");
  const auto words = refusal_of(without_sql);
  EXPECT_THAT(words, HasSubstr(oid));
  EXPECT_THAT(words, HasSubstr(space.string()));
  fs::rename(directory_.path() / "away", space);
}

}  // namespace backup_engine
