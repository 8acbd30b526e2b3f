// The receiver as a synchronous standby, and recovery from what it kept: what was acknowledged comes back.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "tests/pg/wal/inserter.hpp"
#include "tests/pg/wal/receiving.hpp"

namespace tests {
namespace {

using backup_engine::base::poll_until;
using harness::server::soon;

class SynchronousReceiver : public Receiving {};

TEST_F(SynchronousReceiver, ACommitWaitsForItAndReturnsOnceItIsThere) {
  start({{"synchronous_standby_names", "lifeboat"}});
  auto waiting = std::jthread([conninfo = conninfo()] {
    backup_engine::postgres::Connection(conninfo, "waiter").execute("CREATE TABLE kept (id int)");
  });
  poll_until(soon(), "the commit to wait", [&]() -> std::optional<std::string> {
    const auto waiters = ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    return waiters == "1" ? std::nullopt : std::optional(waiters);
  });
  RunningReceiver receiver(request());
  waiting.join();
  auto connection = server_->connect();
  for (int i = 0; i < 50; ++i) {
    connection.execute("BEGIN; INSERT INTO kept SELECT 1");
    const auto before_commit =
        backup_engine::postgres::parse_lsn(connection.query("SELECT pg_current_wal_insert_lsn()").single());
    connection.execute("COMMIT");
    ASSERT_GT(durable_end(), before_commit.value());
  }
  EXPECT_EQ(ask("SELECT sync_state || ' ' || (replay_lsn IS NULL) FROM pg_stat_replication"), "sync true");
}

TEST_F(SynchronousReceiver, ARecoveryFromWhatItKeptHoldsEveryAcknowledgedCommit) {
  start();
  execute("CREATE TABLE kept (id int)");
  RunningReceiver receiver(request());
  receiver.wait_until_said("streaming");
  harness::process::Command copy;
  copy.program = server_->options().installation.program("pg_basebackup");
  copy.arguments = {"-h",
                    server_->socket_directory().string(),
                    "-U",
                    "postgres",
                    "-D",
                    (directory_.path() / "restored").string(),
                    "-X",
                    "none",
                    "--checkpoint=fast",
                    "--no-sync"};
  copy.run_as = user_;
  const auto copied = harness::process::run(copy, soon());
  ASSERT_TRUE(copied.status.success()) << copied.output;
  execute("ALTER SYSTEM SET synchronous_standby_names = 'lifeboat'");
  execute("SELECT pg_reload_conf()");
  poll_until(soon(), "the receiver to be synchronous", [&]() -> std::optional<std::string> {
    const auto state = ask("SELECT coalesce(max(sync_state), 'none') FROM pg_stat_replication");
    return state == "sync" ? std::nullopt : std::optional(state);
  });

  Inserter inserter(conninfo());
  inserter.wait_for_more(150);
  server_->kill();
  const auto acknowledged = inserter.end();
  receiver.stop();

  // The restore_command runs as the server's user, who must be able to run the program and read the repository.
  const auto program = directory_.path() / "wal_fetch";
  std::filesystem::copy_file(WAL_FETCH_PROGRAM, program);
  std::filesystem::permissions(program, std::filesystem::perms(0755));
  if (user_) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(repository_)) {
      ASSERT_EQ(::lchown(entry.path().c_str(), user_->uid, user_->gid), 0);
    }
    ASSERT_EQ(::lchown(repository_.c_str(), user_->uid, user_->gid), 0);
  }
  { std::ofstream(directory_.path() / "restored" / "recovery.signal"); }
  auto wanted = options("restored");
  wanted.settings = {{"restore_command", fmt::format("{} {} main %f %p", program.string(), repository_.string())},
                     {"recovery_target_timeline", "latest"}};
  auto restored = started(wanted);
  poll_until(soon(), "the end of recovery", [&]() -> std::optional<std::string> {
    const auto state = restored.connect().query("SELECT pg_is_in_recovery()").single();
    return state == "f" ? std::nullopt : std::optional(state);
  });
  EXPECT_EQ(restored.connect().query(count_of_acknowledged(acknowledged)).single(), std::to_string(acknowledged));
}

}  // namespace
}  // namespace tests
