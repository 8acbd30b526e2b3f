// A real `lifeboat backup` and a real `lifeboat expire` that are stopped, as by a host that sleeps, while others take
// away what they hold; and that then go on.
#include "tests/pg/backup/backup_processes.hpp"
#include "tests/support/random_numbers.hpp"

namespace backup_engine {
namespace {

using ::testing::HasSubstr;

constexpr int not_there = 3, not_carried_out = 2;

class SleepingProcess : public BackupProcesses {};
class SleepingBackupProcess : public SleepingProcess, public ::testing::WithParamInterface<bool> {
 protected:
  SleepingBackupProcess() { streaming_ = GetParam(); }
};

TEST_P(SleepingBackupProcess, WhoseChainExpiredAfterItWasRevokedIsRefusedWhenItWakes) {
  start_source();
  receive_wal();
  make_rows();
  const auto full = take(BackupType::full).label;
  run("UPDATE rows SET filling = md5(filling)");
  auto asleep = begin_backup("asleep", BackupType::incremental, "12MB");
  const auto intent = wait_until_copying(asleep, "asleep");
  put_to_sleep(asleep);
  EXPECT_EQ(intent.chain, std::vector{full});
  EXPECT_EQ(intent.pid, static_cast<std::uint32_t>(asleep.pid()));
  const auto newer = take(BackupType::full).label;
  const auto digest = ask(digest_);

  EXPECT_THAT(expire({"--keep-full", "1"}), HasSubstr("held    " + store::to_string(intent)));
  EXPECT_EQ(labels(), (std::set{full, newer}));
  expire({"--revoke", intent.label, "--keep-full", "1"});
  EXPECT_EQ(labels(), std::set{newer});
  EXPECT_FALSE(std::filesystem::exists(repository() / "clusters/main/backups" / full));

  wake(asleep);
  expect_refused(asleep, "asleep", not_carried_out);
  EXPECT_THAT(words("asleep"), HasSubstr("the intent of " + intent.label + " was revoked while it was being taken"));
  EXPECT_EQ(labels(), std::set{newer});
  expire({"--keep-full", "1"});
  expect_no_debris();
  expect_server_is_free();
  expect_sound();
  take(BackupType::incremental);
  expect_sound();
  lose_source();
  EXPECT_EQ(in_backup(newer), digest);
}

INSTANTIATE_TEST_SUITE_P(BySource, SleepingBackupProcess, ::testing::Bool(),
                         [](const auto& tested) { return tested.param ? "stream" : "files"; });

// The moment is random; tests/fault/sleeping_host_test.cpp has every one.
TEST_F(SleepingProcess, ThatExpiresWhatABackupBeginsToBuildOnBreaksNothing) {
  tests::RandomNumbers random;
  start_source();
  receive_wal();
  make_rows();
  for (unsigned round = 0; round < 4; ++round) {
    take(BackupType::full);
    run("UPDATE rows SET filling = md5(filling) WHERE id % 9 = 1");
    const auto kept = take(BackupType::incremental).label;
    const auto name = "asleep-" + std::to_string(round);
    auto asleep = begin(name, "expire", {"--keep-daily", "1"});
    try {
      asleep.wait(base::Deadline::after(std::chrono::microseconds(random() % 60'000)));
    } catch (const base::Error&) {
      put_to_sleep(asleep);
    }
    // On the full that goes, or is gone.
    const auto before = labels();
    auto differential = begin_backup("on-" + name, BackupType::differential);
    std::set<std::string> expected;
    if (differential.wait(harness::server::soon()).success()) {
      for (const auto& label : labels()) {
        if (!before.contains(label)) expected.insert(label);
      }
      EXPECT_EQ(expected.size(), 1U);
    } else {
      expect_refused(differential, "on-" + name, not_there);
      expected.insert(kept);  // else it stays when expire had looked before, and expires when it had not
    }
    wake(asleep);
    EXPECT_EQ(end_of(asleep), 0) << words(name);
    const auto left = labels();
    for (const auto& label : expected) EXPECT_TRUE(left.contains(label)) << label;
    expect_sound_without_debris();
  }
  const auto digest = ask(digest_);
  const auto last = take(BackupType::incremental).label;
  lose_source();
  EXPECT_EQ(in_backup(last), digest);
}

}  // namespace
}  // namespace backup_engine
