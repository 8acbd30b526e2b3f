// Differential and incremental backups of a real server, by both sources, of what it does to its files: each restores
// by itself to what the source held.
#include <gmock/gmock.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/remove_tree.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {
namespace {

using base::Error;
using base::ErrorKind;
using testing::HasSubstr;

constexpr const char* digest =
    "SELECT count(*) || ':' || coalesce(md5(string_agg(t::text, ',' ORDER BY id)), '') FROM rows t";

class BackupChain : public BackedUpCluster {
 protected:
  BackupSummary take(BackupType type) {
    auto request = backup_request();
    request.type = type;
    base::NoProgress progress;
    return take_backup(request, progress).summary;
  }

  // Restores the backup to its own consistent point, has pg_verifybackup accept it, and asks the server that starts.
  std::string in_backup(const std::string& label, const std::string& question = digest) {
    auto request = restore_request();
    request.backup_label = label;
    request.target = {TargetKind::immediate, "", true, "", TargetAction::promote};
    restore(request);
    std::string answer;
    {
      auto server = start_restored();
      wait_until_promoted(server);
      answer = server.connect().query(question).single();
    }
    EXPECT_FALSE(base::remove_tree(restored()));
    return answer;
  }

  void start_with_rows() {
    start_source();
    receive_wal();
    run("CREATE TABLE rows (id int PRIMARY KEY, filling text); "
        "INSERT INTO rows SELECT i, md5(i::text) || md5((i + 1)::text) FROM generate_series(1, 20000) i");
  }
};

class BackupChainBy : public BackupChain, public testing::WithParamInterface<bool> {
 protected:
  BackupChainBy() { streaming_ = GetParam(); }
};

}  // namespace

TEST_P(BackupChainBy, RestoresEachMemberByItself) {
  start_with_rows();
  const auto full = take(BackupType::full);
  const auto in_full = ask(digest);
  run("UPDATE rows SET filling = 'changed' WHERE id = 7; CHECKPOINT");
  const auto first = take(BackupType::incremental);
  const auto in_first = ask(digest);
  run("DELETE FROM rows WHERE id > 15000");
  run("VACUUM rows");  // cuts the table's end off
  run("INSERT INTO rows VALUES (30000, 'new')");
  const auto second = take(BackupType::incremental);
  const auto in_second = ask(digest);
  const auto differential = take(BackupType::differential);

  EXPECT_EQ(first.parent_label, full.label);
  EXPECT_EQ(second.parent_label, first.label);
  EXPECT_EQ(differential.parent_label, full.label);
  EXPECT_LT(first.stored_bytes, full.stored_bytes / 4);
  lose_source();
  EXPECT_EQ(in_backup(full.label), in_full);
  EXPECT_EQ(in_backup(first.label), in_first);
  EXPECT_EQ(in_backup(second.label), in_second);
  EXPECT_EQ(in_backup(differential.label), in_second);
}

INSTANTIATE_TEST_SUITE_P(Sources, BackupChainBy, testing::Bool(),
                         [](const auto& source) { return std::string(source.param ? "Stream" : "Files"); });

TEST_F(BackupChain, FollowsWhatTheServerDoesToItsFiles) {
  start_with_rows();
  run("CREATE TABLE gone AS SELECT generate_series(1, 1000) i; CREATE UNLOGGED TABLE unlogged (i int)");
  static_cast<void>(take(BackupType::full));
  run("DROP TABLE gone; INSERT INTO unlogged VALUES (1)");
  run("TRUNCATE rows; INSERT INTO rows SELECT i, 'anew' FROM generate_series(1, 500) i");
  static_cast<void>(take(BackupType::incremental));
  run("DELETE FROM rows WHERE id % 2 = 0");
  run("VACUUM FULL rows");
  run("CREATE DATABASE by_copy STRATEGY file_copy");
  run("CREATE DATABASE by_log STRATEGY wal_log");
  const auto last = take(BackupType::incremental);
  const auto in_source = ask(digest);
  lose_source();
  EXPECT_EQ(in_backup(last.label), in_source);
  EXPECT_EQ(
      in_backup(last.label, "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname ~ 'by_'"),
      "by_copy,by_log");
  EXPECT_EQ(
      in_backup(last.label, "SELECT (SELECT count(*) FROM unlogged) || ':' || (to_regclass('gone') IS NULL)::text"),
      "0:true");
}

TEST_F(BackupChain, IsRefusedWhereNothingCanBeBuiltOn) {
  start_with_rows();
  try {
    static_cast<void>(take(BackupType::incremental));
    ADD_FAILURE() << "was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_THAT(error.what(), HasSubstr("no backup that the incremental backup could build on"));
    EXPECT_THAT(error.remedy(), HasSubstr("full"));
  }
  EXPECT_TRUE(list_repository({repository().string()}).at(0).backups.empty());
}

}  // namespace backup_engine
