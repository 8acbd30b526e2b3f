#include "harness/restore/server_log.hpp"

#include <gtest/gtest.h>

namespace harness::restore {
namespace {

using backup_engine::base::to_rfc3339;

// A server's own words, from a recovery to the end of WAL.
constexpr auto recovered =
    R"(2026-11-21 01:27:02.737 UTC [7902] LOG:  starting PostgreSQL 15.20 on x86_64-pc-linux-gnu, 64-bit
2026-11-21 01:27:02.766 UTC [7906] FATAL:  the database system is starting up
2026-11-21 01:27:08.515 UTC [7905] LOG:  redo starts at 0/4001220
2026-11-21 01:27:08.526 UTC [8093] DETAIL:  Consistent recovery state has not been yet reached.
2026-11-21 01:27:08.646 UTC [7905] LOG:  completed backup recovery with redo LSN 0/4001220 and end LSN 0/433C508
2026-11-21 01:27:08.646 UTC [7905] LOG:  consistent recovery state reached at 0/433C508
2026-11-21 01:27:08.661 UTC [7905] LOG:  invalid record length at 0/528D2B0: wanted 24, got 0
2026-11-21 01:27:08.661 UTC [7905] LOG:  redo done at 0/528D288 system usage: CPU: user: 0.02 s, system: 0.00 s, elapsed: 0.14 s
2026-11-21 01:27:09.361 UTC [7902] LOG:  database system is ready to accept connections
)";

TEST(ReadRecoveryLog, FindsWhenTheServerWasConsistentAndHadReplayed) {
  const auto log = read_recovery_log(recovered);
  ASSERT_TRUE(log.consistent && log.replayed);
  EXPECT_EQ(to_rfc3339(*log.consistent), "2026-11-21T01:27:08.646000Z");
  EXPECT_EQ(to_rfc3339(*log.replayed), "2026-11-21T01:27:08.661000Z");
  EXPECT_EQ(log.replayed_lsn, "0/528D288");
}

TEST(ReadRecoveryLog, FindsWhereAndWhenReplayBeganTheFirstTime) {
  const auto again = std::string("2026-11-21 01:27:10.000 UTC [9] LOG:  redo starts at 0/5000028\n");
  const auto log = read_recovery_log(recovered + again);
  ASSERT_TRUE(log.redo_began);
  EXPECT_EQ(to_rfc3339(*log.redo_began), "2026-11-21T01:27:08.515000Z");
  EXPECT_EQ(log.redo_lsn, "0/4001220");
  EXPECT_FALSE(read_recovery_log("LOG:  redo is not required\n").redo_began);
}

TEST(ReadRecoveryLog, TakesARedoThatIsNotRequiredForDone) {
  const auto log = read_recovery_log("2026-11-21 01:27:08.515 UTC [7905] LOG:  redo is not required\n");
  ASSERT_TRUE(log.replayed);
  EXPECT_EQ(to_rfc3339(*log.replayed), "2026-11-21T01:27:08.515000Z");
  EXPECT_EQ(log.replayed_lsn, "");
  EXPECT_FALSE(log.consistent);
}

TEST(ReadRecoveryLog, BelievesTheLastOfSeveralStarts) {
  const auto earlier = std::string("2026-11-20 00:00:00.000 UTC [1] LOG:  redo done at 0/1000 system usage: none\n");
  EXPECT_EQ(read_recovery_log(earlier + recovered).replayed_lsn, "0/528D288");
}

TEST(ReadRecoveryLog, ReadsALastLineWithoutItsEnd) {
  const auto log = read_recovery_log("2026-11-21 01:27:08.661 UTC [7905] LOG:  redo done at 0/528D288");
  EXPECT_EQ(log.replayed_lsn, "0/528D288");
}

TEST(ReadRecoveryLog, KnowsNothingOfALogThatSaysNothing) {
  for (const auto* const text : {"", "\n\n", "2026-11-21 01:27:02.737 UTC [7902] LOG:  starting PostgreSQL\n"}) {
    const auto log = read_recovery_log(text);
    EXPECT_FALSE(log.consistent);
    EXPECT_FALSE(log.replayed);
    EXPECT_EQ(log.replayed_lsn, "");
  }
}

TEST(ReadRecoveryLog, TakesNoTimeFromALineWithAnotherPrefix) {
  const auto log = read_recovery_log("Nov 21 01:27:08 LOG:  consistent recovery state reached at 0/433C508\n");
  EXPECT_FALSE(log.consistent);
}

constexpr auto paused_at_target =
    R"(2026-11-21 01:27:02.737 UTC [7902] LOG:  starting PostgreSQL 15.20 on x86_64-pc-linux-gnu, 64-bit
2026-11-21 01:27:08.646 UTC [7905] LOG:  consistent recovery state reached at 0/433C508
2026-11-21 01:27:08.700 UTC [7905] LOG:  recovery stopping at restore point "lifeboat-before", time 2026-11-21 01:26:59.123456+00
2026-11-21 01:27:08.701 UTC [7905] LOG:  pausing at the end of recovery
2026-11-21 01:27:08.701 UTC [7905] HINT:  Execute pg_wal_replay_resume() to promote.
2026-11-21 01:27:11.661 UTC [7905] LOG:  redo done at 0/528D288 system usage: CPU: user: 0.02 s, system: 0.00 s, elapsed: 3.14 s
2026-11-21 01:27:11.661 UTC [7905] LOG:  last completed transaction was at log time 2026-11-21 01:26:58.987654+00
2026-11-21 01:27:11.761 UTC [7905] LOG:  archive recovery complete
)";

TEST(ReadRecoveryLog, CallsReplayDoneAtTheTargetAndNotAfterThePauseThere) {
  const auto log = read_recovery_log(paused_at_target);
  ASSERT_TRUE(log.replayed && log.promoted);
  EXPECT_EQ(to_rfc3339(*log.replayed), "2026-11-21T01:27:08.700000Z");
  EXPECT_EQ(to_rfc3339(*log.promoted), "2026-11-21T01:27:11.761000Z");
  EXPECT_EQ(log.replayed_lsn, "0/528D288");
  EXPECT_EQ(log.last_transaction, "2026-11-21 01:26:58.987654+00");
  EXPECT_EQ(log.stopping, "recovery stopping at restore point \"lifeboat-before\", time 2026-11-21 01:26:59.123456+00");
  EXPECT_EQ(log.last_words, "");
}

constexpr auto short_of_target =
    R"(2026-11-21 01:27:02.737 UTC [7902] LOG:  starting PostgreSQL 15.20 on x86_64-pc-linux-gnu, 64-bit
2026-11-21 01:27:02.766 UTC [7906] FATAL:  the database system is starting up
2026-11-21 01:27:11.661 UTC [7905] LOG:  redo done at 0/528D288 system usage: CPU: user: 0.02 s, system: 0.00 s, elapsed: 3.14 s
2026-11-21 01:27:11.661 UTC [7905] LOG:  last completed transaction was at log time 2026-11-21 01:26:58.987654+00
2026-11-21 01:27:11.662 UTC [7905] FATAL:  recovery ended before configured recovery target was reached
2026-11-21 01:27:11.670 UTC [7902] LOG:  startup process (PID 7905) exited with exit code 1
2026-11-21 01:27:11.671 UTC [7911] FATAL:  terminating connection due to unexpected postmaster exit
)";

TEST(DescribeFailure, SaysWhyRecoveryEndedAndHowFarItCame) {
  EXPECT_EQ(describe_failure(read_recovery_log(short_of_target)),
            "recovery ended before configured recovery target was reached; it came as far as 0/528D288, the last "
            "completed transaction of 2026-11-21 01:26:58.987654+00");
}

constexpr auto paused_for_settings =
    R"(2026-11-21 15:23:57.623 UTC [3013] WARNING:  hot standby is not possible because of insufficient parameter settings
2026-11-21 15:23:57.623 UTC [3013] DETAIL:  max_connections = 100 is a lower setting than on the primary server, where its value was 250.
2026-11-21 15:23:57.623 UTC [3013] LOG:  recovery has paused
)";

TEST(ReadRecoveryLog, NamesTheSettingThatKeepsReplayFromGoingOn) {
  EXPECT_EQ(read_recovery_log(paused_for_settings).too_low,
            "max_connections = 100 is a lower setting than on the primary server, where its value was 250.");
  EXPECT_EQ(read_recovery_log(std::string(paused_for_settings) + paused_at_target).too_low, "") << "another start";
}

TEST(DescribeFailure, KnowsOnlyTheLastStart) {
  const auto log = read_recovery_log(std::string(short_of_target) + paused_at_target);
  EXPECT_EQ(log.last_words, "");
  EXPECT_EQ(describe_failure(read_recovery_log("")), "PostgreSQL ended without a word; nothing says how far it came");
}

}  // namespace
}  // namespace harness::restore
