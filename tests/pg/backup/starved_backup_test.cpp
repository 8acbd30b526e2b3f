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

TEST_P(StarvedBackup, IsFineBesideAnotherOnTheSameChainOrSaysSoOnce) {
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
    unsigned succeeded = 0;
    for (const auto& [process, of] : {std::pair(&first, name + "-1"), std::pair(&second, name + "-2")}) {
      if (process->wait(harness::server::soon()).success()) {
        ++succeeded;
      } else {
        expect_refused(*process, of, 3);
        EXPECT_THAT(words(of), HasSubstr("a backup of this label is being taken already"));
      }
    }
    EXPECT_GE(succeeded, 1U);
    EXPECT_EQ(labels().size(), before + succeeded);
    expect_sound();
    expect_no_debris();
  }
  expect_server_is_free();
  const auto digest = ask(digest_);
  lose_source();
  EXPECT_EQ(in_backup(*labels().rbegin()), digest);
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
