// Restores in place of a cluster that a server made and ran in: what is refused, and that the old cluster comes back as
// it was, with its tablespace, whatever happened in between. The judge is PostgreSQL, which is started in each.
#include <gmock/gmock.h>

#include <csignal>
#include <map>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/safety_copy.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/support/refusal.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;
using harness::server::Server;
using harness::server::soon;
using testing::AllOf;
using testing::HasSubstr;

class RestoreInPlace : public BackedUpCluster {
 protected:
  // A cluster with a tablespace, a backup, and then another life that nobody backed up.
  void make_old_cluster() {
    fs::create_directory(space());
    if (user_) {
      ASSERT_EQ(::chown(space().c_str(), user_->uid, user_->gid), 0);
    }
    start_source();
    receive_wal();
    run("CREATE TABLESPACE fast LOCATION '" + space().string() + "'");
    run("CREATE TABLE t TABLESPACE fast AS SELECT i, md5(i::text) AS x FROM generate_series(1, 20000) i");
    static_cast<void>(back_up());
    run("DELETE FROM t WHERE i > 100");
    run("CREATE TABLE later AS SELECT generate_series(1, 1000) i");
    run("ALTER SYSTEM SET work_mem = '7MB'");
    wait_for_all_wal();
  }
  void stop_source() {
    source_->stop(harness::server::StopMode::fast, soon());
    stop_receiving();
    let_server_user_read_repository();
  }

  [[nodiscard]] RestoreRequest in_place() const {
    auto request = restore_request();
    request.to = data();
    request.existing = ExistingFiles::set_aside;
    request.target.kind = TargetKind::immediate;
    request.confirmed_system_identifier = identifier();
    return request;
  }
  [[nodiscard]] std::uint64_t identifier() const { return postgres::read_control_file(data()).system_identifier; }
  RestoreResult restore_in_place() {
    base::NoProgress progress;
    return restore_backup(in_place(), progress);
  }
  std::string refusal(const RestoreRequest& request, ErrorKind kind) {
    base::NoProgress progress;
    return tests::refusal([&] { static_cast<void>(restore_backup(request, progress)); }, kind);
  }

  Server start_in_place() {
    auto wanted = options();
    wanted.log_file = directory_.path() / "in-place.log";
    wanted.settings["recovery_init_sync_method"] = "syncfs";
    return started(wanted);
  }
  void expect_old_cluster() {
    auto server = start_in_place();
    auto session = server.connect();
    EXPECT_EQ(session.query("SELECT pg_is_in_recovery()").single(), "f");
    EXPECT_EQ(session.query("SELECT count(*) FROM t").single(), "100");
    EXPECT_EQ(session.query("SELECT count(*) FROM later").single(), "1000");
    EXPECT_EQ(session.query("SHOW work_mem").single(), "7MB");
    EXPECT_EQ(session.query("SELECT timeline_id FROM pg_control_checkpoint()").single(), "1");
    server.stop(harness::server::StopMode::fast, soon());
  }
  void expect_restored_cluster(Server& server) {
    wait_until_promoted(server);
    auto session = server.connect();
    EXPECT_EQ(session.query("SELECT count(*) FROM t WHERE x = md5(i::text)").single(), "20000");
    EXPECT_EQ(session.query("SELECT to_regclass('later') IS NULL").single(), "t");
    EXPECT_EQ(session.query("SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'fast'").single(),
              space().string())
        << "in place it stays where it was";
  }

  static void kill_after(std::chrono::milliseconds time, harness::process::Subprocess& process) {
    try {
      static_cast<void>(process.wait(base::Deadline::after(time)));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::timed_out) throw;
      process.send(SIGKILL);
      static_cast<void>(process.wait(soon()));
    }
  }

  // Every file of the cluster with its content.
  [[nodiscard]] std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& top : {data(), space()}) {
      for (const auto& entry : fs::recursive_directory_iterator(top)) {
        all[entry.path()] = entry.is_symlink()     ? fs::read_symlink(entry.path()).string()
                            : entry.is_directory() ? ""
                                                   : base::read_file(entry.path());
      }
    }
    return all;
  }
  [[nodiscard]] fs::path space() const { return directory_.path() / "space"; }
};

TEST_F(RestoreInPlace, IsRefusedWhileTheServerRunsAndUntilTheIdentifierIsConfirmed) {
  make_old_cluster();
  let_server_user_read_repository();
  auto request = in_place();
  EXPECT_THAT(refusal(request, ErrorKind::usage),
              AllOf(HasSubstr(std::to_string(source_->pid())), HasSubstr("pg_ctl stop")));
  EXPECT_EQ(ask("SELECT count(*) FROM later"), "1000") << "and it was not disturbed";
  stop_source();
  const auto before = files();
  request.confirmed_system_identifier.reset();
  EXPECT_THAT(
      refusal(request, ErrorKind::usage),
      AllOf(HasSubstr(data().string()), HasSubstr("--confirm-system-identifier " + std::to_string(identifier()))));
  request.confirmed_system_identifier = identifier() + 1;
  EXPECT_THAT(refusal(request, ErrorKind::mismatch),
              AllOf(HasSubstr(std::to_string(identifier())), HasSubstr("nothing was touched")));
  EXPECT_EQ(files(), before);
  EXPECT_THROW(static_cast<void>(find_safety_copy(data())), Error);
  expect_old_cluster();
}

TEST_F(RestoreInPlace, PutsABackupInPlaceAndRollsBackToTheOldCluster) {
  make_old_cluster();
  stop_source();
  const auto before = files();
  const auto result = restore_in_place();
  const auto copy = find_safety_copy(data());
  EXPECT_EQ(copy.folder, result.safety_copy);
  EXPECT_EQ(copy.in_its_place, InItsPlace::cluster);
  EXPECT_EQ(copy.system_identifier, identifier());
  EXPECT_EQ(copy.tablespaces.size(), 1U);
  EXPECT_GT(size_bytes(copy), 20'000'000U);
  {
    auto server = start_in_place();
    expect_restored_cluster(server);
    EXPECT_THAT(tests::refusal([&] { roll_back_safety_copy(data()); }, ErrorKind::usage),
                HasSubstr(std::to_string(server.pid())));
    server.connect().execute("CREATE TABLE work_of_today (i int) TABLESPACE fast");
    server.stop(harness::server::StopMode::fast, soon());
  }
  EXPECT_THAT(refusal(in_place(), ErrorKind::already_exists),
              AllOf(HasSubstr("safety-copy roll-back"), HasSubstr("safety-copy drop")));
  roll_back_safety_copy(data());
  EXPECT_EQ(files(), before);
  EXPECT_FALSE(fs::exists(copy.folder));
  expect_old_cluster();
}

TEST_F(RestoreInPlace, KeepsTheRestoredClusterWhenTheSafetyCopyIsDropped) {
  make_old_cluster();
  stop_source();
  const auto folder = restore_in_place().safety_copy;
  auto server = start_in_place();
  expect_restored_cluster(server);
  drop_safety_copy(data());
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_EQ(std::distance(fs::directory_iterator(space()), fs::directory_iterator()), 1);
  expect_restored_cluster(server);
  server.stop(harness::server::StopMode::fast, soon());
  EXPECT_EQ(tests::refusal([&] { drop_safety_copy(data()); }, ErrorKind::not_found).empty(), false);
}

TEST_F(RestoreInPlace, RollsBackAfterItWasKilledAtAnyMoment) {
  make_old_cluster();
  stop_source();
  const auto before = files();
  tests::RandomNumbers random;
  harness::process::Command command;
  command.program = RESTORE_PROGRAM;
  command.arguments = {repository().string(), data().string(), (directory_.path() / "wal_fetch_command").string(),
                       "in-place", std::to_string(identifier())};
  command.output_file = directory_.path() / "restore.log";
  int killed_half_done = 0;
  constexpr int rounds = 3;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    auto restoring = harness::process::Subprocess::start(command);
    base::poll_until(soon(), "the old cluster to be set aside", [&]() -> std::optional<std::string> {
      if (fs::exists(data().string() + ".lifeboat-safety-copy/data") || restoring.poll()) return std::nullopt;
      return "not yet";
    });
    kill_after(std::chrono::milliseconds(random() % 30), restoring);
    if (!fs::exists(data() / "global/pg_control")) ++killed_half_done;
    roll_back_safety_copy(data());
    EXPECT_TRUE(files() == before) << "round " << round;
  }
  EXPECT_GT(killed_half_done, 0) << "each had ended: " << base::read_file(command.output_file);
  expect_old_cluster();
}

}  // namespace
}  // namespace backup_engine
