// Backups of a real server, killed at random moments.
#include <map>
#include <random>

#include "tests/pg/backup/backup_processes.hpp"
#include "tests/support/random_numbers.hpp"

namespace backup_engine {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

class KilledBackup : public BackupProcesses {
 protected:
  // As a process; what it held goes to `published_`.
  steady_clock::duration take_whole(const std::string& name, BackupType type) {
    const auto begin = steady_clock::now();
    auto process = begin_backup(name, type);
    EXPECT_EQ(end_of(process), 0) << words(name);
    const auto took = steady_clock::now() - begin;
    note_new();
    return took;
  }
  // Nothing writes while backups are taken, so whatever is new holds what the server does.
  unsigned note_new() {
    unsigned noted = 0;
    const auto digest = ask(digest_);
    for (const auto& label : labels()) noted += published_.emplace(label, digest).second ? 1U : 0U;
    return noted;
  }

  std::map<std::string, std::string> published_;
};

TEST_F(KilledBackup, LeavesEarlierBackupsTheServerAndTheNextBackupAsIfItHadNotBeen) {
  tests::RandomNumbers random;
  start_source();
  receive_wal();
  make_rows();
  std::map<bool, microseconds> lasts;
  for (const bool streaming : {false, true}) {
    streaming_ = streaming;
    lasts[streaming] = duration_cast<microseconds>(take_whole("whole-" + std::to_string(streaming), BackupType::full));
  }

  // Some end before they are killed.
  constexpr unsigned wanted = 10, most_rounds = 60;
  unsigned killed = 0;
  for (unsigned round = 0; killed < wanted && round < most_rounds && !HasFailure(); ++round) {
    run("UPDATE rows SET filling = md5(filling) WHERE id % 16 = " + std::to_string(round % 16));
    streaming_ = round % 2 == 1;
    const auto type = round % 4 < 2 ? BackupType::incremental : BackupType::full;
    const microseconds delay(
        std::uniform_int_distribution<std::int64_t>(0, lasts[streaming_].count() * 11 / 10)(random));
    SCOPED_TRACE("round " + std::to_string(round) + ", killed after " + std::to_string(delay.count()) + " us");
    const auto name = "killed-" + std::to_string(round);
    auto process = begin_backup(name, type);
    try {
      EXPECT_TRUE(process.wait(base::Deadline::after(delay)).success()) << words(name);
      EXPECT_EQ(note_new(), 1U);
    } catch (const base::Error& error) {
      ASSERT_EQ(error.kind(), base::ErrorKind::timed_out) << error.what();
      process.send(SIGKILL);
      const auto status = process.wait(harness::server::soon());
      killed += status.signal == SIGKILL ? 1U : 0U;
      EXPECT_LE(note_new(), 1U);
    }
    EXPECT_THAT(processes(), ::testing::IsEmpty());
    expect_server_is_free();
    expect_sound();
    lasts[streaming_] =
        duration_cast<microseconds>(take_whole("next-" + std::to_string(round), BackupType::incremental));
    revoke_the_dead();
    if (round % 4 != 3) continue;
    expire({"--keep-full", "2"});
    // A label names a second and a type: what expired within this second may come again.
    std::erase_if(published_, [left = labels()](const auto& each) { return !left.contains(each.first); });
    expect_no_debris();
  }
  EXPECT_EQ(killed, wanted);
  expect_sound();

  lose_source();
  const auto left = labels();
  for (const auto& label : {*left.begin(), *left.rbegin()}) EXPECT_EQ(in_backup(label), published_[label]) << label;
}

}  // namespace
}  // namespace backup_engine
