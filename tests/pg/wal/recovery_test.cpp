// Recovery with `lifeboat wal fetch` as its restore_command, by PostgreSQL itself: it gets all there is, never mistakes
// storage that fails for the end of WAL, and nothing is left beside its WAL.
#include <gmock/gmock.h>

#include <csignal>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "tests/pg/wal/archiving.hpp"
#include "tests/pg/wal/inserter.hpp"

namespace tests {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::poll_until;
using harness::server::soon;
using testing::HasSubstr;

constexpr auto count_rows = "SELECT count(*) FROM filler";

class RecoveryByWalFetch : public Archiving {
 protected:
  // A backup and some twelve segments behind it; the server is gone, `restored` waits for its recovery.
  void lose_and_restore() {
    make_cluster_with_segments(1);
    start_archiving();
    lifeboat_ok(in_cluster(
        {"backup"}, {"--dbname", server_->conninfo(), "--pgdata", options().data_directory, "--progress", "none"}));
    write_wal(12);
    rows_ = ask(count_rows);
    archive_everything();
    server_->kill();
    lifeboat_ok(in_cluster({"restore"}, {"--to", restored()}));
  }
  [[nodiscard]] fs::path restored() const { return directory_.path() / "restored"; }

  // The restored server stops by itself, before it has promoted.
  void expect_to_stop(const std::string& why) const {
    auto wanted = options("restored");
    // Connections only once recovery has ended: a server that is ready has promoted.
    wanted.settings = {{"archive_mode", "off"}, {"hot_standby", "off"}, {"recovery_init_sync_method", "syncfs"}};
    EXPECT_THROW((void)started(wanted), Error);
    const auto log = backup_engine::base::read_file(directory_.path() / "restored.log");
    EXPECT_THAT(log, HasSubstr("FATAL:  could not restore file"));
    EXPECT_THAT(log, HasSubstr(why));
    EXPECT_EQ(backup_engine::postgres::read_control_file(restored()).timeline, TimelineId(1));
    EXPECT_TRUE(fs::exists(restored() / "recovery.signal"));
  }
  void expect_all_rows_and_nothing_beside() const {
    EXPECT_EQ(answer_of("restored", count_rows), rows_);
    for (const auto& entry : fs::directory_iterator(restored() / "pg_wal")) {
      EXPECT_THAT(entry.path().filename().string(), testing::Not(HasSubstr("lifeboat")));
    }
  }

  std::string rows_;
};

TEST_F(RecoveryByWalFetch, StopsWhileTheStorageIsAwayAndGetsAllThereIsWhenItIsBack) {
  lose_and_restore();
  const auto away = directory_.path() / "unmounted";
  fs::rename(repository_, away);
  fs::create_directory(repository_);  // a mount point with nothing mounted
  fs::permissions(repository_, fs::perms(0755));
  expect_to_stop("is no Lifeboat repository");
  fs::remove(repository_);
  fs::rename(away, repository_);
  fs::permissions(repository_ / "clusters", fs::perms(0));
  expect_to_stop("ermission denied");
  fs::permissions(repository_ / "clusters", fs::perms(0755));
  expect_all_rows_and_nothing_beside();
}

TEST_F(RecoveryByWalFetch, StopsAtADamagedSegmentAndNamesIt) {
  lose_and_restore();
  const auto folder = repository_ / "clusters/main/wal/00000001/00000000";
  std::vector<fs::path> segments;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".lz4") segments.push_back(entry.path());
  }
  std::ranges::sort(segments);
  const auto damaged = segments.at(segments.size() - 4);
  const auto sound = backup_engine::base::read_file(damaged);
  auto bytes = sound;
  bytes[bytes.size() / 2] ^= 0x10;
  backup_engine::base::write_file_atomically(damaged, bytes);
  expect_to_stop(damaged.filename().string());
  fs::rename(damaged, directory_.path() / "kept aside");
  expect_to_stop("is missing from");
  backup_engine::base::write_file_atomically(damaged, sound);
  expect_all_rows_and_nothing_beside();
}

class KilledReceiver : public Archiving {
 protected:
  [[nodiscard]] harness::process::Subprocess receive() const {
    harness::process::Command command;
    command.program = lifeboat_;
    command.arguments = in_cluster({"wal", "receive"}, {"--dbname", conninfo(), "--slot", "lifeboat", "--create-slot"});
    command.output_file = directory_.path() / "receiver.log";
    command.run_as = user_;
    return harness::process::Subprocess::start(command);
  }
  void wait_until_synchronous() const {
    poll_until(soon(), "the receiver to be synchronous", [&]() -> std::optional<std::string> {
      const auto rows =
          server_->connect().query("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'");
      const auto state = rows.empty() ? std::string("not streaming") : rows[0][0].value_or("");
      return state == "sync" ? std::nullopt : std::optional(state);
    });
  }
};

// Whatever was acknowledged is there, although receiver and server end with SIGKILL in the midst of it.
TEST_F(KilledReceiver, LosesNothingThatWasAcknowledged) {
  start({{"max_wal_senders", "10"}});
  execute("CREATE TABLE kept (id int)");
  auto receiver = receive();
  poll_until(soon(), "the receiver to stream", [&]() -> std::optional<std::string> {
    return ask("SELECT count(*) FROM pg_stat_replication WHERE flush_lsn IS NOT NULL") == "1"
               ? std::nullopt
               : std::optional<std::string>("not yet");
  });
  lifeboat_ok(in_cluster({"backup"}, {"--dbname", server_->conninfo(), "--progress", "none"}));
  execute("ALTER SYSTEM SET synchronous_standby_names = 'lifeboat'");
  execute("SELECT pg_reload_conf()");
  wait_until_synchronous();

  Inserter inserter(conninfo());
  for (int round = 0; round < 3; ++round) {
    inserter.wait_for_more(30);
    receiver.send(SIGKILL);
    (void)receiver.wait(soon());
    receiver = receive();
  }
  inserter.wait_for_more(30);
  server_->kill();
  const auto acknowledged = inserter.end();
  receiver.send(SIGTERM);
  EXPECT_TRUE(receiver.wait(soon()).success());

  lifeboat_ok(in_cluster({"restore"}, {"--to", directory_.path() / "restored"}));
  EXPECT_EQ(answer_of("restored", count_of_acknowledged(acknowledged)), std::to_string(acknowledged));
}

}  // namespace
}  // namespace tests
