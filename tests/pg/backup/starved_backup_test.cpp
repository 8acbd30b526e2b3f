// Backups that others get in the way of: a second one at the same time, a server that dies.
#include "tests/pg/backup/backup_processes.hpp"

namespace backup_engine {
namespace {

using ::testing::HasSubstr;

constexpr int could_not = 2;

// Each by files and by stream, of one server: `source` is that word.
class StarvedBackup : public BackupProcesses {
 protected:
  void SetUp() override {
    start_source();
    receive_wal();
    make_rows();
  }

  void by_both(const std::function<void(const std::string& source)>& work) {
    for (const bool streaming : {false, true}) {
      streaming_ = streaming;
      const std::string source = streaming ? "stream" : "files";
      SCOPED_TRACE(source);
      work(source);
      if (HasFatalFailure()) return;
    }
  }
};

TEST_F(StarvedBackup, SucceedsBesideAnotherWithALabelOfItsOwn) {
  const std::pair<BackupType, BackupType> pairs[] = {{BackupType::incremental, BackupType::incremental},
                                                     {BackupType::full, BackupType::full},
                                                     {BackupType::differential, BackupType::incremental}};
  take(BackupType::full);
  by_both([&](const std::string& source) {
    for (const auto& [one, other] : pairs) {
      run("UPDATE rows SET filling = md5(filling) WHERE id % 7 = 1");
      const auto before = labels().size();
      const auto name = source + "-" + to_string(one) + "-" + to_string(other);
      auto first = begin_backup(name + "-1", one);
      auto second = begin_backup(name + "-2", other);
      EXPECT_EQ(end_of(first), 0) << words(name + "-1");
      EXPECT_EQ(end_of(second), 0) << words(name + "-2");
      EXPECT_EQ(labels().size(), before + 2);
      expect_sound_without_debris();
    }
  });
  expect_server_is_free();
  const auto digest = ask(digest_);
  lose_source();
  EXPECT_EQ(in_backup(*labels().rbegin()), digest);
}

TEST_F(StarvedBackup, BesideAnExpireBuildsOnWhatStays) {
  by_both([&](const std::string& source) {
    for (const auto type : {BackupType::incremental, BackupType::full, BackupType::differential}) {
      take(BackupType::full);
      const auto newer = take(BackupType::full).label;
      run("UPDATE rows SET filling = md5(filling) WHERE id % 7 = 1");
      const auto name = source + "-beside-expire-" + to_string(type);
      auto backup = begin_backup(name, type);
      auto expiring = begin(name + "-expire", "expire", {"--keep-full", "1"});
      EXPECT_EQ(end_of(expiring), 0) << words(name + "-expire");
      EXPECT_EQ(end_of(backup), 0) << words(name);
      EXPECT_TRUE(labels().contains(newer) || type == BackupType::full);
      expire({"--keep-full", "1"});
      expect_sound_without_debris();
    }
  });
  const auto digest = ask(digest_);
  lose_source();
  EXPECT_EQ(in_backup(*labels().rbegin()), digest);
}

TEST_F(StarvedBackup, IsListedWithWhoTakesItAndWhatItHoldsUntilItEnds) {
  const auto list = [&](const std::string& name) {
    auto listing = begin(name, "list", {});
    EXPECT_EQ(end_of(listing), 0) << words(name);
    return words(name);
  };
  by_both([&](const std::string& source) {
    const auto full = take(BackupType::full).label;
    run("UPDATE rows SET filling = md5(filling)");
    const auto name = source + "-listed";
    auto backup = begin_backup(name, BackupType::incremental, "12MB");
    const auto intent = wait_until_copying(backup, name);
    put_to_sleep(backup);
    const auto during = list(source + "-during");
    wake(backup);
    EXPECT_THAT(during,
                HasSubstr("running " + intent.label + "  lifeboat backup by " + intent.user + " on " + intent.host +
                          " (process " + std::to_string(backup.pid()) + ") since " + base::to_rfc3339(intent.since)));
    EXPECT_THAT(during, HasSubstr("holds " + full + " and WAL from " + to_string(intent.start_lsn)));
    EXPECT_THAT(during, HasSubstr("lifeboat expire --cluster main --revoke LABEL"));
    EXPECT_EQ(end_of(backup), 0) << words(name);
    const auto behind = list(source + "-behind");
    EXPECT_THAT(behind, HasSubstr("backup " + intent.label));
    EXPECT_THAT(behind, ::testing::Not(HasSubstr("running")));
  });
}

TEST_F(StarvedBackup, WhoseServerDiesSaysSoAndLeavesNothing) {
  by_both([&](const std::string& source) {
    const auto full = take(BackupType::full).label;
    run("UPDATE rows SET filling = md5(filling)");
    wait_for_all_wal();
    const auto before = labels();
    const auto name = source + "-bereaved";
    auto backup = begin_backup(name, BackupType::incremental, "12MB");
    const auto intent = wait_until_copying(backup, name);
    EXPECT_EQ(intent.chain, std::vector{full});
    put_to_sleep(backup);
    stop_receiving();
    source_->kill();
    wake(backup);
    expect_refused(backup, name, could_not);
    EXPECT_EQ(labels(), before);
    expect_sound_without_debris();

    auto again = options();
    again.settings["recovery_init_sync_method"] = "syncfs";  // not file by file
    start_source(again);
    receive_wal();
    expect_server_is_free();
    take(BackupType::incremental);
    expect_sound();
  });
  const auto digest = ask(digest_);
  lose_source();
  EXPECT_EQ(in_backup(*labels().rbegin()), digest);
}

}  // namespace
}  // namespace backup_engine
