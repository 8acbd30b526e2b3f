// A real power cut of the repository's disk: what was acknowledged to a committing client, or to PostgreSQL's archiver,
// is there afterwards, and so is the backup that was published.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "tests/pg/wal/archiving.hpp"
#include "tests/pg/wal/inserter.hpp"
#include "tests/pg/wal/losable_disk.hpp"

namespace tests {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::poll_until;
using harness::server::soon;

class PowerCut : public Archiving, public testing::WithParamInterface<const char*> {
 protected:
  PowerCut() : disk_(GetParam(), directory_.path() / "disk.image", directory_.path() / "disk") {
    repository_ = directory_.path() / "disk" / "repository";
    EXPECT_EQ(::chown((directory_.path() / "disk").c_str(), user_ ? user_->uid : 0, user_ ? user_->gid : 0), 0);
    lifeboat_ok({"repo", "init", "--repo", repository_});
  }

  void back_up() const { lifeboat_ok(in_cluster({"backup"}, {"--dbname", server_->conninfo(), "--progress", "none"})); }

  LosableDisk disk_;
};

TEST_P(PowerCut, LosesNoCommitThatASynchronousReceiverAcknowledged) {
  start();
  execute("CREATE TABLE kept (id int)");
  harness::process::Command command;
  command.program = lifeboat_;
  command.arguments = in_cluster({"wal", "receive"}, {"--dbname", conninfo(), "--slot", "lifeboat", "--create-slot"});
  command.output_file = directory_.path() / "receiver.log";
  command.run_as = user_;
  auto receiver = harness::process::Subprocess::start(command);
  const auto wait_for_state = [&](const std::string& column, const std::string& wanted) {
    poll_until(soon(), "the receiver to be " + wanted, [&]() -> std::optional<std::string> {
      const auto rows =
          server_->connect().query("SELECT " + column + " FROM pg_stat_replication WHERE flush_lsn IS NOT NULL");
      const auto state = rows.empty() ? std::string("not there") : rows[0][0].value_or("");
      return state == wanted ? std::nullopt : std::optional(state);
    });
  };
  wait_for_state("state", "streaming");
  back_up();
  execute("ALTER SYSTEM SET synchronous_standby_names = 'lifeboat'");
  execute("SELECT pg_reload_conf()");
  wait_for_state("sync_state", "sync");

  Inserter inserter(conninfo());
  inserter.wait_for_more(200);
  disk_.cut_power({receiver.pid()});
  EXPECT_FALSE(receiver.wait(soon()).success()) << "it cannot go on without its disk";
  server_->kill();
  const auto acknowledged = inserter.end();
  disk_.mount_again();

  lifeboat_ok(in_cluster({"restore"}, {"--to", directory_.path() / "restored"}));
  EXPECT_EQ(answer_of("restored", count_of_acknowledged(acknowledged)), std::to_string(acknowledged));
}

TEST_P(PowerCut, LosesNoSegmentThatPostgresqlWasToldIsArchived) {
  make_cluster_with_segments(1);
  start_archiving();
  back_up();
  std::jthread writer([this] {
    try {
      write_wal(40);
    } catch (const std::exception&) {
      // The server was killed.
    }
  });
  poll_until(soon(), "segments to be archived", [&]() -> std::optional<std::string> {
    const auto count = archiver("archived_count");
    return std::stoi(count) >= 14 ? std::nullopt : std::optional(count);
  });
  disk_.cut_power({server_->pid()});
  server_->kill();
  writer.join();
  disk_.mount_again();

  const auto pg_wal = directory_.path() / "data" / "pg_wal";
  int archived = 0;
  for (const auto& entry : fs::directory_iterator(pg_wal / "archive_status")) {
    if (entry.path().extension() != ".done") continue;
    const auto name = entry.path().stem().string();
    ASSERT_EQ(fetch(name), backup_engine::WalFetchOutcome::fetched) << name;
    EXPECT_TRUE(backup_engine::base::read_file(directory_.path() / "fetched") ==
                backup_engine::base::read_file(pg_wal / name))
        << name;
    ++archived;
  }
  EXPECT_GE(archived, 13);
  // The next attempt finds whatever the one that was cut off left, and succeeds. A segment that was full when the
  // server was killed, but not yet marked as ready, is marked by the checkpoint that would remove it, and comes late.
  start_archiving({{"wal_keep_size", "0"}});
  archive_everything();
  const auto is_ready = [](const auto& entry) { return entry.path().extension() == ".ready"; };
  poll_until(soon(), "older segments to be archived", [&]() -> std::optional<std::string> {
    execute("CHECKPOINT");
    const fs::directory_iterator entries(pg_wal / "archive_status");
    const auto ready = std::find_if(begin(entries), end(entries), is_ready);
    return ready == end(entries) ? std::nullopt : std::optional(ready->path().filename().string());
  });
  lifeboat_ok(in_cluster({"wal", "check"}));
  lifeboat_ok(in_cluster({"verify"}));
}

// Else the tests above would show nothing.
TEST_P(PowerCut, TakesWhatWasNotSynced) {
  const auto disk = directory_.path() / "disk";
  backup_engine::base::write_file_atomically(disk / "synced", "kept");
  std::ofstream(disk / "not synced") << "lost";
  ASSERT_TRUE(fs::exists(disk / "not synced"));
  disk_.cut_power({});
  EXPECT_FALSE(std::ofstream(disk / "afterwards").is_open());
  disk_.mount_again();
  EXPECT_EQ(backup_engine::base::read_file(disk / "synced"), "kept");
  EXPECT_FALSE(fs::exists(disk / "not synced"));
}

INSTANTIATE_TEST_SUITE_P(On, PowerCut, testing::Values("ext4", "xfs"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace tests
