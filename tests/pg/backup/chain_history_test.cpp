// Chains across timelines: content decides, whatever became of the server in between.
#include "tests/pg/backup/chained_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using harness::server::Server;
using harness::server::soon;
using harness::server::StopMode;

class ChainAcrossTimelines : public ChainedCluster {
 protected:
  void promote(Server& server) {
    static_cast<void>(server.connect().query("SELECT pg_promote()"));
    wait_until_promoted(server);
    server.connect().execute("CHECKPOINT");  // on the timeline that it has begun; pg_rewind reads it from pg_control
  }

  // Makes of the source's directory, which diverged, a copy of what `other` has.
  void rewind_source_to(const Server& other) {
    harness::process::Command command;
    command.program = harness::server::test_installation().program("pg_rewind");
    command.arguments = {"-D",        data().string(),        "--source-server", other.conninfo(),
                         "--no-sync", "--write-recovery-conf"};
    command.run_as = user_;
    const auto done = harness::process::run(command, soon());
    ASSERT_TRUE(done.status.success()) << done.output;
    ASSERT_NE(done.output.find("Done!"), std::string::npos) << done.output;
  }
};

}  // namespace

TEST_F(ChainAcrossTimelines, GoesOnBehindAPromotion) {
  start_source();
  receive_wal();
  make_rows();
  const auto full = take(BackupType::full);
  run("UPDATE rows SET filling = 'before' WHERE id < 50");
  lose_source();
  restore(restore_request());
  source_.emplace(start_restored({{"wal_keep_size", "1GB"}}));  // the receiver begins before its new slot
  wait_until_promoted(*source_);
  receive_wal();
  run("UPDATE rows SET filling = 'behind' WHERE id BETWEEN 50 AND 99");
  const auto behind = take(BackupType::incremental);
  EXPECT_EQ(behind.parent_label, full.label);
  EXPECT_NE(behind.timeline, full.timeline);
  EXPECT_LT(behind.stored_bytes, full.stored_bytes / 4);
  const auto in_behind = ask(digest_);
  lose_source();
  EXPECT_EQ(in_backup(behind.label), in_behind);
}

// Pages, and with them their LSNs and the files' times, go back to what they were on another timeline.
TEST_F(ChainAcrossTimelines, SeesWhatARewindPutBack) {
  start_source();
  // pg_rewind reads from the last checkpoint that both have, after a recovery of its own.
  run("ALTER SYSTEM SET wal_keep_size = '1GB'");
  static_cast<void>(ask("SELECT pg_reload_conf()"));
  receive_wal();
  make_rows();
  static_cast<void>(take(BackupType::full));
  auto other = start_standby("other");
  promote(other);
  run("UPDATE rows SET filling = 'given up' WHERE id > 10000; CHECKPOINT");
  const auto given_up = take(BackupType::incremental);
  const auto in_given_up = ask(digest_);
  other.connect().execute("UPDATE rows SET filling = 'kept' WHERE id < 100; CHECKPOINT");
  lose_source();
  rewind_source_to(other);
  source_.emplace(start_in("data", {{"primary_conninfo", other.conninfo()}, {"restore_command", ""}}));
  promote(*source_);
  other.stop(StopMode::fast, soon());

  receive_wal();
  const auto rewound = take(BackupType::incremental);
  EXPECT_EQ(rewound.parent_label, given_up.label);
  const auto now = ask(digest_);
  EXPECT_NE(now, in_given_up);
  lose_source();
  EXPECT_EQ(in_backup(rewound.label), now);
  EXPECT_EQ(in_backup(given_up.label), in_given_up);
}

}  // namespace backup_engine
