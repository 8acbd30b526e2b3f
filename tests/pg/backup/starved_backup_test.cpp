// Backups that others get in the way of: a second one at the same time, a server that dies.
#include "tests/pg/backup/backup_processes.hpp"

namespace backup_engine {
namespace {

using ::testing::HasSubstr;

constexpr int could_not = 2;

class StarvedBackup : public BackupProcesses, public ::testing::WithParamInterface<bool> {
 protected:
  StarvedBackup() { streaming_ = GetParam(); }
};

TEST_P(StarvedBackup, SucceedsBesideAnotherWithALabelOfItsOwn) {
  start_source();
  receive_wal();
  make_rows();
  take(BackupType::full);
  const std::pair<BackupType, BackupType> pairs[] = {{BackupType::incremental, BackupType::incremental},
                                                     {BackupType::full, BackupType::full},
                                                     {BackupType::differential, BackupType::incremental}};
  for (const auto& [one, other] : pairs) {
    run("UPDATE rows SET filling = md5(filling) WHERE id % 7 = 1");
    const auto before = labels().size();
    const auto name = to_string(one) + "-" + to_string(other);
    auto first = begin_backup(name + "-1", one);
    auto second = begin_backup(name + "-2", other);
    EXPECT_EQ(end_of(first), 0) << words(name + "-1");
    EXPECT_EQ(end_of(second), 0) << words(name + "-2");
    EXPECT_EQ(labels().size(), before + 2);
    expect_sound();
    expect_no_debris();
  }
  expect_server_is_free();
  const auto digest = ask(digest_);
  lose_source();
  EXPECT_EQ(in_backup(*labels().rbegin()), digest);
}

TEST_P(StarvedBackup, BesideAnExpireBuildsOnWhatStays) {
  start_source();
  receive_wal();
  make_rows();
  for (const auto type : {BackupType::incremental, BackupType::full, BackupType::differential}) {
    take(BackupType::full);
    const auto newer = take(BackupType::full).label;
    run("UPDATE rows SET filling = md5(filling) WHERE id % 7 = 1");
    const auto name = "beside-expire-" + to_string(type);
    auto backup = begin_backup(name, type);
    auto expiring = begin(name + "-expire", "expire", {"--keep-full", "1"});
    EXPECT_EQ(end_of(expiring), 0) << words(name + "-expire");
    EXPECT_EQ(end_of(backup), 0) << words(name);
    EXPECT_TRUE(labels().contains(newer) || type == BackupType::full);
    expire({"--keep-full", "1"});
    expect_sound();
    expect_no_debris();
  }
  const auto digest = ask(digest_);
  lose_source();
  EXPECT_EQ(in_backup(*labels().rbegin()), digest);
}

TEST_P(StarvedBackup, IsListedWithWhoTakesItAndWhatItHoldsUntilItEnds) {
  start_source();
  receive_wal();
  make_rows();
  const auto full = take(BackupType::full).label;
  run("UPDATE rows SET filling = md5(filling)");
  auto backup = begin_backup("listed", BackupType::incremental, "12MB");
  const auto intent = wait_until_copying(backup, "listed");
  const auto list = [&](const std::string& name) {
    auto listing = begin(name, "list", {});
    EXPECT_EQ(end_of(listing), 0) << words(name);
    return words(name);
  };
  const auto during = list("during");
  EXPECT_THAT(during,
              HasSubstr("running " + intent.label + "  lifeboat backup by " + intent.user + " on " + intent.host +
                        " (process " + std::to_string(backup.pid()) + ") since " + base::to_rfc3339(intent.since)));
  EXPECT_THAT(during, HasSubstr("holds " + full + " and WAL from " + to_string(intent.start_lsn)));
  EXPECT_THAT(during, HasSubstr("lifeboat expire --cluster main --revoke LABEL"));
  EXPECT_EQ(end_of(backup), 0) << words("listed");
  const auto behind = list("behind");
  EXPECT_THAT(behind, HasSubstr("backup " + intent.label));
  EXPECT_THAT(behind, ::testing::Not(HasSubstr("running")));
}

TEST_P(StarvedBackup, WhoseServerDiesSaysSoAndLeavesNothing) {
  start_source();
  receive_wal();
  make_rows();
  const auto full = take(BackupType::full).label;
  run("UPDATE rows SET filling = md5(filling)");
  wait_for_all_wal();
  auto backup = begin_backup("bereaved", BackupType::incremental, "12MB");
  const auto intent = wait_until_copying(backup, "bereaved");
  EXPECT_EQ(intent.chain, std::vector{full});
  stop_receiving();
  source_->kill();
  expect_refused(backup, "bereaved", could_not);
  EXPECT_EQ(labels(), std::set{full});
  expect_no_debris();
  expect_sound();

  start_source();
  receive_wal();
  expect_server_is_free();
  const auto next = take(BackupType::incremental).label;
  const auto digest_of_next = ask(digest_);
  expect_sound();
  lose_source();
  EXPECT_EQ(in_backup(next), digest_of_next);
}

INSTANTIATE_TEST_SUITE_P(BySource, StarvedBackup, ::testing::Bool(),
                         [](const auto& tested) { return tested.param ? "stream" : "files"; });

}  // namespace
}  // namespace backup_engine
