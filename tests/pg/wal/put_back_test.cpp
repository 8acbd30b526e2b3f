// A server that is put back to an earlier state on the same timeline, as by a snapshot of its volume: its WAL has the
// old positions and another content, and nothing of it may be joined to what is held.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/overlap.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "harness/process/subprocess.hpp"
#include "tests/pg/wal/archiving.hpp"

namespace tests {
namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using harness::server::soon;
using harness::server::StopMode;
using testing::HasSubstr;

// What a snapshot does, on top of whichever way the WAL goes.
template <typename Server>
class Snapshots : public Server {
 protected:
  // As of a server that was killed.
  void keep_a_copy() {
    this->server_->kill();
    copy("data", "snapshot");
  }
  void put_the_copy_back() {
    this->server_->kill();
    std::filesystem::rename(this->directory_.path() / "data", this->directory_.path() / "given-up");
    copy("snapshot", "data");
  }

 private:
  void copy(const std::string& from, const std::string& to) {
    harness::process::Command command;
    command.program = "/bin/cp";
    command.arguments = {"-a", (this->directory_.path() / from).string(), (this->directory_.path() / to).string()};
    command.run_as = this->user_;
    const auto copied = harness::process::run(command, soon());
    ASSERT_TRUE(copied.status.success()) << copied.output;
  }
};

class PutBack : public Snapshots<Receiving> {
 protected:
  // How the receiver ends that is told to stop once it streams.
  std::string failure_of_receiver() {
    try {
      RunningReceiver receiver(request());
      receiver.wait_until_said("streaming");
      receiver.stop();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::mismatch);
      EXPECT_THAT(error.remedy(), HasSubstr("another cluster name"));
      return error.what();
    }
    return "it streamed";
  }
  void receive_all() {
    RunningReceiver receiver(request());
    receiver.wait_until_said("streaming");
    receiver.wait_until_durable(flushed());
    receiver.stop();
  }
};

TEST_F(PutBack, IsRefusedOnceItHasOvertakenWhatIsHeld) {
  start();
  write_wal(1);
  receive_all();
  keep_a_copy();
  start();
  write_wal(2);
  receive_all();
  const auto held = durable_end();
  put_the_copy_back();
  start();
  write_wal(4);
  EXPECT_THAT(failure_of_receiver(), HasSubstr("they differ at"));
  EXPECT_EQ(durable_end(), held) << "nothing of it was kept";
}

// A receiver that was connected when it happened, and finds the server beyond what it holds when it is back.
TEST_F(PutBack, IsRefusedByAReceiverThatReconnects) {
  start();
  write_wal(1);
  receive_all();
  keep_a_copy();
  start();
  RunningReceiver receiver(request());
  receiver.wait_until_said("streaming");
  write_wal(2);
  receiver.wait_until_durable(flushed());
  put_the_copy_back();
  start();
  write_wal(4);
  try {
    receiver.wait_until_said("not to be said");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::mismatch) << error.what();
  }
}

// An old primary that was promoted anew instead of being rewound. Its history would be the newest there is, and every
// recovery to the latest timeline would follow it.
TEST_F(PutBack, LeavesNoHistoryBehindWhenItWentAnotherWay) {
  start();
  write_wal(1);
  receive_all();
  keep_a_copy();
  const auto promote = [&](const std::map<std::string, std::string>& settings) {
    { std::ofstream(directory_.path() / "data" / "standby.signal"); }
    start(settings);
    EXPECT_EQ(ask("SELECT pg_promote()"), "t");
    write_wal(1);
  };
  promote({});
  receive_all();
  const auto size = backup_engine::store::read_cluster(storage(), "main").wal_segment_size;
  const backup_engine::wal::WalArchive archive(storage(), "main", size, {});
  const auto history = archive.read_history(TimelineId(2));
  ASSERT_TRUE(history);
  put_the_copy_back();
  { std::ofstream(directory_.path() / "data" / "pg_wal" / "00000002.history") << *history; }
  promote({{"recovery_target_timeline", "current"}});
  EXPECT_THAT(failure_of_receiver(), HasSubstr("not in the history of the server's timeline 3"));
  EXPECT_EQ(archive.read_history(TimelineId(3)), std::nullopt);
}

TEST_F(PutBack, IsNotWaitedForWhileItIsBehind) {
  start();
  write_wal(1);
  receive_all();
  keep_a_copy();
  start();
  write_wal(2);
  receive_all();
  put_the_copy_back();
  start();
  EXPECT_THAT(failure_of_receiver(), HasSubstr("has it only up to"));
}

// Held exactly up to the end of a segment, where the server may have nothing from before any more: then the link of its
// first record tells.
class OnASegmentsBoundary : public PutBack {
 protected:
  OnASegmentsBoundary() { make_cluster_with_segments(1); }
  void start_small() {
    start({{"wal_keep_size", "0"}, {"max_wal_size", "2MB"}, {"min_wal_size", "2MB"}, {"autovacuum", "off"}});
  }
  // The server's background processes may write behind the switch: then once more.
  void receive_up_to_a_boundary() {
    for (int attempt = 0; attempt < 5; ++attempt) {
      RunningReceiver receiver(request());
      receiver.wait_until_said("streaming");
      execute("SELECT pg_switch_wal()");
      receiver.wait_until_durable(flushed());
      receiver.stop();
      if (durable_end().position_bytes() % (1024 * 1024) == 0) return;
      write_wal(1);
    }
    FAIL() << "never held exactly up to a segment's end";
  }
  void compare_links() {
    const auto size = backup_engine::store::read_cluster(storage(), "main").wal_segment_size;
    const backup_engine::wal::WalArchive archive(storage(), "main", size, {});
    const backup_engine::wal::StreamPosition boundary{TimelineId(1), durable_end()};
    backup_engine::postgres::ReplicationConnection connection(conninfo(), "test");
    EXPECT_EQ(compare_link(connection, archive, boundary, boundary, flushed(), {}), backup_engine::wal::Overlap::same);
  }
};

TEST_F(OnASegmentsBoundary, TheSameServerIsFollowedThoughNothingIsThereToCompare) {
  start_small();
  write_wal(2);
  receive_up_to_a_boundary();
  const auto boundary = durable_end();
  write_wal(1);
  for (int i = 0; i < 2; ++i) execute("CHECKPOINT");
  compare_links();
  RunningReceiver receiver(request());
  receiver.wait_until_said("streaming");
  receiver.wait_until_durable(flushed());
  receiver.stop();
  EXPECT_TRUE(receiver.said("no longer has all")) << receiver.told();
  EXPECT_GT(durable_end(), boundary);
  EXPECT_EQ(ranges().size(), 1U) << "without a gap";
}

TEST_F(OnASegmentsBoundary, AServerThatWasPutBackIsTold) {
  start_small();
  write_wal(1);
  receive_all();
  keep_a_copy();
  start_small();
  write_wal(3);
  receive_up_to_a_boundary();
  put_the_copy_back();
  start_small();
  write_wal(6);
  try {
    compare_links();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::mismatch);
    EXPECT_THAT(error.what(), HasSubstr("follows one at"));
  }
}

// Its archive_command hands over nothing that is held already, so no push can tell; the records do.
class PutBackArchive : public Snapshots<Archiving> {
 protected:
  PutBackArchive() { make_cluster_with_segments(1); }
};

TEST_F(PutBackArchive, IsFoundByVerifyAndNoRestoreGoesThere) {
  start_archiving();
  execute("CREATE TABLE boats (name text)");
  lifeboat_ok(in_cluster(
      {"backup"}, {"--dbname", server_->conninfo(), "--pgdata", options().data_directory, "--progress", "none"}));
  keep_a_copy();
  start_archiving();
  write_wal(1);
  execute("INSERT INTO boats VALUES ('in the first history')");
  archive_everything();
  const auto parted = durable_end();
  put_the_copy_back();
  // As while nobody looks after the archive.
  std::ofstream(directory_.path() / "data" / "postgresql.auto.conf", std::ios::app) << "archive_command = 'true'\n";
  start({{"archive_mode", "on"}});
  while (flushed() < parted) execute("SELECT pg_logical_emit_message(true, 'fill', repeat('x', 100000))");
  const auto size = backup_engine::store::read_cluster(storage(), "main").wal_segment_size;
  wait_until_archived(file_name(segment_ending_at(TimelineId(1), parted, size), size));
  set_archive_command(push_command());
  write_wal(1);
  execute("INSERT INTO boats VALUES ('in the second history')");
  archive_everything();
  server_->kill();

  const auto verified = lifeboat({"verify", "--repo", repository_.string()});
  EXPECT_EQ(verified.code, 1) << verified.words;
  EXPECT_THAT(verified.words, HasSubstr("another history of the server"));
  const auto refused = lifeboat(in_cluster({"restore"}, {"--to", directory_.path() / "restored"}));
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.words, HasSubstr("its records end at"));
  const std::string option = "--target-lsn ";
  const auto at = refused.words.find(option) + option.size();
  const auto last = refused.words.substr(at, refused.words.find_first_of("; ", at) - at);
  lifeboat_ok(in_cluster({"restore"}, {"--to", directory_.path() / "restored", "--target-lsn", last}));
  EXPECT_EQ(answer_of("restored", "SELECT string_agg(name, ', ') FROM boats"), "in the first history");
}

}  // namespace
}  // namespace tests
