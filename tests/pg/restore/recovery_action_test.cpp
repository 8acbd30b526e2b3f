// A restored server that does not do at its target what it was told to: that is a failed recovery, whatever it became.
#include <gmock/gmock.h>

#include <fstream>

#include "harness/restore/restore.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"
#include "tests/support/failure.hpp"

namespace harness::restore {
namespace {

namespace base = backup_engine::base;
using base::ErrorKind;
using testing::AllOf;
using testing::HasSubstr;

class RecoveryAction : public backup_engine::BackedUpCluster {
 protected:
  void make_history() {
    run("CREATE TABLE IF NOT EXISTS boats (name text)");
    back_up();
    run("INSERT INTO boats VALUES ('before')");
    run("SELECT pg_create_restore_point('mark')");
    run("INSERT INTO boats VALUES ('after')");
    lose_source();
    let_server_user_read_repository();
  }

  void restore_to_mark(backup_engine::TargetAction action) {
    auto wanted = restore_request();
    wanted.target.kind = backup_engine::TargetKind::name;
    wanted.target.value = "mark";
    wanted.target.action = action;
    (void)restore(wanted);
  }

  static Recovered recovered(const server::ServerOptions& options, Action action) {
    return recover_until_writable(options, action, base::Deadline::after(std::chrono::minutes(2)), {});
  }
};

TEST_F(RecoveryAction, FailsWhenTheServerPromotesThoughItWasToldToPause) {
  start_source();
  receive_wal();
  run("CREATE TABLE boats (name text)");
  // With more than 64 subtransactions open hot standby does not become active, and PostgreSQL then ignores the pause.
  auto overflowing = source_->connect();
  overflowing.execute("BEGIN");
  for (int i = 0; i < 200; ++i) overflowing.execute("SAVEPOINT s; INSERT INTO boats VALUES ('never')");
  make_history();
  restore_to_mark(backup_engine::TargetAction::pause);
  std::string said;
  EXPECT_EQ(tests::kind_of_failure([&] { (void)recovered(restored_options(), Action::pause); }, &said),
            ErrorKind::process);
  EXPECT_EQ(said, "the server promoted instead of pausing at its target");
}

TEST_F(RecoveryAction, FailsWithPostgresqlsLastWordsWhenTheTargetIsNotReached) {
  start_source();
  receive_wal();
  make_history();
  restore_to_mark(backup_engine::TargetAction::promote);
  std::ofstream(restored() / "postgresql.auto.conf", std::ios::app) << "recovery_target_name = 'nowhere'\n";
  for (const auto action : {Action::promote, Action::pause, Action::shutdown}) {
    std::string said;
    EXPECT_EQ(tests::kind_of_failure([&] { (void)recovered(restored_options(), action); }, &said), ErrorKind::process);
    EXPECT_THAT(said, AllOf(HasSubstr("recovery ended before configured recovery target was reached"),
                            HasSubstr("it came as far as 0/")));
  }
}

TEST_F(RecoveryAction, FailsWhenTheServerPromotesThoughItWasToldToShutDown) {
  start_source();
  receive_wal();
  make_history();
  restore_to_mark(backup_engine::TargetAction::promote);
  std::string said;
  EXPECT_EQ(tests::kind_of_failure([&] { (void)recovered(restored_options(), Action::shutdown); }, &said),
            ErrorKind::process);
  EXPECT_EQ(said, "the server promoted instead of shutting down at its target");
}

TEST_F(RecoveryAction, FailsWhenAPauseBecomesAShutdown) {
  start_source();
  receive_wal();
  make_history();
  restore_to_mark(backup_engine::TargetAction::pause);
  auto wanted = restored_options();
  wanted.settings["hot_standby"] = "off";
  std::string said;
  EXPECT_EQ(tests::kind_of_failure([&] { (void)recovered(wanted, Action::pause); }, &said), ErrorKind::process);
  EXPECT_THAT(said, HasSubstr("recovery stopping at restore point \"mark\""));
}

// PostgreSQL compares five settings with the source's of that moment, wherever in the WAL they rise.
TEST_F(RecoveryAction, NamesTheSettingThatTheSourceRaisedAfterTheBackup) {
  start_source();
  receive_wal();
  run("CREATE TABLE boats (name text)");
  back_up();
  wait_for_all_wal();
  stop_receiving();
  source_->stop(server::StopMode::fast, server::soon());
  auto raised = options();
  raised.settings["max_connections"] = "140";
  start_source(raised);
  receive_wal();
  run("INSERT INTO boats VALUES ('after the rise')");
  run("SELECT pg_create_restore_point('mark')");
  run("INSERT INTO boats VALUES ('too late')");
  lose_source();
  let_server_user_read_repository();
  for (const auto action : {Action::promote, Action::pause}) {
    std::filesystem::remove_all(restored());
    restore_to_mark(action == Action::pause ? backup_engine::TargetAction::pause
                                            : backup_engine::TargetAction::promote);
    std::string said;
    EXPECT_EQ(tests::kind_of_failure([&] { (void)recovered(restored_options(), action); }, &said), ErrorKind::process);
    EXPECT_THAT(said, AllOf(HasSubstr("max_connections = 100 is a lower setting"), HasSubstr("was 140")));
    auto enough = restored_options();
    enough.settings["max_connections"] = "140";
    const auto went_on = recovered(enough, action);
    EXPECT_EQ(went_on.server.connect().query("SELECT name FROM boats").single(), "after the rise");
  }
}

}  // namespace
}  // namespace harness::restore
