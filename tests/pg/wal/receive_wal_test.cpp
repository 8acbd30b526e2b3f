// Receiving WAL from real servers: what is acknowledged is there, byte for byte, whatever happens to the server.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/replication_connection.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "tests/pg/wal/receiving.hpp"

namespace tests {
namespace {

using backup_engine::SlotAction;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::poll_until;
using harness::server::soon;
using harness::server::StopMode;

class ReceiveWal : public Receiving {
 protected:
  // What is held is one range of at least so many segments, byte for byte as the server has them.
  void expect_whole(int segments) {
    const auto held = ranges();
    ASSERT_EQ(held.size(), 1U);
    EXPECT_GE(compare_with_server(held[0]), segments);
  }
};

ErrorKind failure_of(const backup_engine::WalReceiveRequest& request) {
  try {
    std::stop_source already;
    already.request_stop();
    backup_engine::receive_wal(request, already.get_token());
  } catch (const Error& error) {
    EXPECT_FALSE(error.remedy().empty()) << error.what();
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::internal;
}

TEST_F(ReceiveWal, HoldsWhatAKilledServerHadByteForByte) {
  start();
  RunningReceiver receiver(request());
  receiver.wait_until_said("streaming");
  auto load = start_pgbench();
  receiver.wait_until_durable(flushed() + 2 * 1024 * 1024);
  server_->kill();
  (void)load.wait(soon());
  receiver.wait_until_said("connection was lost");
  receiver.stop();
  expect_whole(2);
}

TEST_F(ReceiveWal, FollowsARestartedServerInsideTheOpenSegment) {
  start();
  RunningReceiver receiver(request());
  receiver.wait_until_said("streaming");
  write_wal(1);
  receiver.wait_until_durable(flushed());
  server_->kill();
  start();
  write_wal(1);
  receiver.wait_until_durable(flushed());
  server_->stop(StopMode::fast, soon());
  start();
  write_wal(1);
  receiver.wait_until_durable(flushed());
  receiver.stop();
  server_->stop(StopMode::fast, soon());
  expect_whole(1);
}

TEST_F(ReceiveWal, AShutDownServerHasHandedOverItsLastRecord) {
  start();
  RunningReceiver receiver(request());
  receiver.wait_until_said("streaming");
  write_wal(1);
  server_->stop(StopMode::fast, soon());
  receiver.wait_until_said("ended the stream");
  receiver.stop();
  const auto shutdown_end = durable_end();
  start();
  EXPECT_EQ(ask(fmt::format(
                "SELECT checkpoint_lsn < '{}' AND '{}' <= pg_current_wal_insert_lsn() FROM pg_control_checkpoint()",
                to_string(shutdown_end), to_string(shutdown_end))),
            "t");
}

TEST_F(ReceiveWal, FollowsAPromotionToTheNextTimelineAndKeepsTheOldTail) {
  start();
  RunningReceiver receiver(request());
  receiver.wait_until_said("streaming");
  write_wal(1);
  server_->stop(StopMode::fast, soon());
  receiver.wait_until_said("ended the stream");
  { std::ofstream(directory_.path() / "data" / "standby.signal"); }
  start();
  EXPECT_EQ(ask("SELECT pg_promote()"), "t");
  write_wal(1);
  receiver.wait_until_said("on timeline 2");
  poll_until(soon(), "the new timeline to be durable", [&]() -> std::optional<std::string> {
    const auto end = durable_end(TimelineId(2));
    return end >= flushed() ? std::nullopt : std::optional(to_string(end));
  });
  receiver.stop();
  server_->stop(StopMode::fast, soon());
  for (const auto& range : ranges()) EXPECT_GE(compare_with_server(range), 1);
  EXPECT_GT(durable_end(TimelineId(1)), Lsn());
  EXPECT_EQ(fetch("00000002.history"), backup_engine::WalFetchOutcome::fetched);
}

// A receiver that has all of a timeline may ask for more of it just when the server is promoted.
TEST_F(ReceiveWal, IsToldTheNextTimelineWhenTheOldOneHasNothingMore) {
  start();
  server_->stop(StopMode::fast, soon());
  { std::ofstream(directory_.path() / "data" / "standby.signal"); }
  start();
  EXPECT_EQ(ask("SELECT pg_promote()"), "t");
  backup_engine::postgres::ReplicationConnection connection(conninfo(), "test");
  EXPECT_TRUE(connection.create_slot("direct"));
  const auto history = backup_engine::postgres::parse_history(connection.timeline_history(TimelineId(2)));
  ASSERT_EQ(history.size(), 1U);
  connection.start_streaming("direct", history[0].switch_lsn, TimelineId(1));
  const auto message = connection.take();
  ASSERT_TRUE(message.has_value());
  EXPECT_TRUE(std::holds_alternative<backup_engine::postgres::EndOfStream>(*message));
  const auto next = connection.end_streaming();
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->timeline, TimelineId(2));
  EXPECT_EQ(next->switch_lsn, history[0].switch_lsn);
  connection.start_streaming("direct", next->switch_lsn, next->timeline);
  EXPECT_EQ(connection.end_streaming(), std::nullopt) << "ended from here, while the server goes on";
}

TEST_F(ReceiveWal, KnowsSegmentsOfOneMegabyte) {
  make_cluster_with_segments(1);
  start();
  {
    RunningReceiver receiver(request());
    receiver.wait_until_said("streaming");
    write_wal(4);
    receiver.wait_until_durable(flushed());
    receiver.stop();
  }
  write_wal(2);
  RunningReceiver receiver(request(SlotAction::use));
  receiver.wait_until_durable(flushed());
  receiver.stop();
  server_->stop(StopMode::fast, soon());
  expect_whole(6);
}

TEST_F(ReceiveWal, HasEverythingThoughItIsHeldBack) {
  make_cluster_with_segments(1);
  start();
  auto held_back = request();
  held_back.max_bytes_per_second = 4'000'000;
  RunningReceiver receiver(held_back);
  receiver.wait_until_said("streaming");
  write_wal(4);
  receiver.wait_until_durable(flushed());
  receiver.stop();
  server_->stop(StopMode::fast, soon());
  expect_whole(4);
}

TEST_F(ReceiveWal, RecordsAGapForGoodAndGoesOnBehindIt) {
  make_cluster_with_segments(1);
  const std::map<std::string, std::string> keep_little = {
      {"wal_keep_size", "0"}, {"max_wal_size", "2MB"}, {"min_wal_size", "2MB"}};
  start(keep_little);
  {
    RunningReceiver receiver(request());
    receiver.wait_until_said("streaming");
    write_wal(1);
    receiver.wait_until_durable(flushed());
    receiver.stop();
  }
  backup_engine::receive_wal(request(SlotAction::drop), {});
  const auto lost_from = durable_end();
  write_wal(4);
  execute("CHECKPOINT");
  write_wal(1);
  execute("CHECKPOINT");
  RunningReceiver receiver(request());
  receiver.wait_until_said("GAP");
  write_wal(1);
  receiver.wait_until_durable(flushed());
  receiver.stop();

  const auto size = backup_engine::store::read_cluster(storage(), "main").wal_segment_size;
  const backup_engine::wal::WalArchive archive(storage(), "main", size, {});
  const auto gaps = archive.gaps();
  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_EQ(gaps[0].from, lost_from);
  EXPECT_EQ(ranges().size(), 2U);
  EXPECT_EQ(ranges()[1].start, gaps[0].to);
  EXPECT_THROW((void)fetch(file_name(segment_holding(TimelineId(1), lost_from, size), size)), Error);
}

TEST_F(ReceiveWal, ASlotIsMadeUsedAndDropped) {
  start();
  const auto slots = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'lifeboat'";
  EXPECT_EQ(failure_of(request(SlotAction::use)), ErrorKind::server);
  {
    RunningReceiver receiver(request());
    receiver.wait_until_said("streaming");
    receiver.stop();
  }
  EXPECT_EQ(ask(slots), "1");
  backup_engine::receive_wal(request(SlotAction::drop), {});
  EXPECT_EQ(ask(slots), "0");
  EXPECT_NO_THROW(backup_engine::receive_wal(request(SlotAction::drop), {}));
}

TEST_F(ReceiveWal, RefusesWhatItMustNotTouch) {
  start();
  RunningReceiver receiver(request());
  receiver.wait_until_said("streaming");
  auto second = request();
  second.slot = "another";
  EXPECT_EQ(failure_of(second), ErrorKind::already_exists) << "a second receiver on this host";
  receiver.stop();

  auto with_password = request();
  with_password.conninfo += " password=secret";
  EXPECT_EQ(failure_of(with_password), ErrorKind::usage);
  auto nowhere = request();
  nowhere.conninfo = "host=/nowhere/at/all";
  EXPECT_EQ(failure_of(nowhere), ErrorKind::connection);

  server_->stop(StopMode::fast, soon());
  std::filesystem::rename(directory_.path() / "data", directory_.path() / "old");
  start();
  EXPECT_EQ(failure_of(request()), ErrorKind::mismatch) << "another cluster under the same name";
}

TEST_F(ReceiveWal, ARoleWithoutTheRightIsToldWhichOneItNeeds) {
  start();
  execute("CREATE ROLE plain LOGIN");
  auto as_plain = request();
  as_plain.conninfo = fmt::format("host={} user=plain dbname=postgres", socket_link_.string());
  try {
    backup_engine::receive_wal(as_plain, {});
    FAIL() << "a role without REPLICATION was let in";
  } catch (const Error& error) {
    EXPECT_THAT(error.remedy(), testing::HasSubstr("REPLICATION"));
  }
}

}  // namespace
}  // namespace tests
