#include "backup_engine/wal/wal_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;
using testing::ElementsAre;

constexpr TimelineId one{1};
constexpr Lsn three_mb{3 * megabyte}, four_mb{4 * megabyte};

class WalWriterTest : public testing::Test {
 protected:
  WalWriter writer_at(Lsn at, unsigned salt = 0) {
    salt_ = salt;
    return {repository_.archive(), {one, at}, [this](const SettleTask& task) { settle(repository_.archive(), task); }};
  }
  void receive(WalWriter& writer, std::uint64_t bytes) const {
    writer.append(writer.received(), wal_bytes(writer.received(), writer.received() + bytes, salt_));
  }

  TemporaryArchive repository_;
  unsigned salt_ = 0;
};

TEST_F(WalWriterTest, NothingIsDurableBeforeItIsSynced) {
  auto writer = writer_at(three_mb);
  receive(writer, 100);
  EXPECT_EQ(writer.received(), three_mb + 100);
  EXPECT_EQ(writer.durable(), three_mb);
  EXPECT_TRUE(repository_.objects().empty());
  writer.sync();
  EXPECT_EQ(writer.durable(), three_mb + 100);
}

TEST_F(WalWriterTest, WhatArrivedTogetherIsOneObject) {
  auto writer = writer_at(three_mb);
  for (int message = 0; message < 10; ++message) receive(writer, 100);
  writer.sync();
  EXPECT_THAT(repository_.objects(), ElementsAre("00000001/00000000/000000010000000000000003.part-00000000-000003E8"));
}

TEST_F(WalWriterTest, AFullSegmentReplacesItsParts) {
  auto writer = writer_at(three_mb);
  receive(writer, 100);
  writer.sync();
  receive(writer, megabyte - 100);
  EXPECT_TRUE(writer.due());
  writer.sync();
  EXPECT_THAT(repository_.objects(), ElementsAre("00000001/00000000/000000010000000000000003.lz4"));
  EXPECT_EQ(repository_.archive().read_segment({one, 3}), wal_bytes(three_mb, four_mb));
}

TEST_F(WalWriterTest, AMessageMayCrossTheSegmentsEnd) {
  auto writer = writer_at(three_mb);
  receive(writer, 2 * megabyte + 10);
  writer.sync();
  EXPECT_THAT(repository_.objects(), ElementsAre("00000001/00000000/000000010000000000000003.lz4",
                                                 "00000001/00000000/000000010000000000000004.lz4",
                                                 "00000001/00000000/000000010000000000000005.part-00000000-0000000A"));
}

TEST_F(WalWriterTest, RefusesWalThatDoesNotContinueAndKeepsNothingOfIt) {
  auto writer = writer_at(three_mb);
  receive(writer, megabyte);
  writer.sync();
  for (const auto start : {four_mb + 1, three_mb, four_mb + megabyte}) {
    EXPECT_THROW(writer.append(start, wal_bytes(start, start + 10)), base::Error);
    EXPECT_EQ(writer.received(), four_mb);
  }
}

TEST_F(WalWriterTest, TheFirstBytesAfterAResumeMustContinueToo) {
  {
    auto writer = writer_at(three_mb);
    receive(writer, 100);
    writer.sync();
  }
  auto writer = writer_at(three_mb + 100);
  EXPECT_THROW(writer.append(three_mb + 101, wal_bytes(three_mb + 101, three_mb + 200)), base::Error);
  receive(writer, megabyte - 100);
  writer.sync();
  EXPECT_EQ(repository_.archive().read_segment({one, 3}), wal_bytes(three_mb, four_mb));
}

TEST_F(WalWriterTest, ManySmallPartsStayFew) {
  auto writer = writer_at(three_mb);
  for (int commit = 0; commit < 1000; ++commit) {
    receive(writer, 100 + static_cast<std::uint64_t>(commit % 7));
    writer.sync();
    ASSERT_LE(repository_.archive().parts_of({one, 3}).size(), 2 * most_parts);
  }
  ASSERT_EQ(repository_.fetch("000000010000000000000003"), WalFetchOutcome::fetched);
  const auto received = text_of(wal_bytes(three_mb, writer.durable()));
  EXPECT_EQ(repository_.fetched().substr(0, received.size()), received);
}

TEST_F(WalWriterTest, TheSameSegmentAgainIsSuccess) {
  for (int receiver = 0; receiver < 2; ++receiver) {
    auto writer = writer_at(three_mb);
    receive(writer, megabyte);
    writer.sync();
    EXPECT_EQ(writer.durable(), four_mb);
  }
}

TEST_F(WalWriterTest, AnotherServersSegmentIsRefusedAndTheOldOneStays) {
  auto writer = writer_at(three_mb);
  receive(writer, megabyte);
  writer.sync();
  auto other = writer_at(three_mb, 7);
  receive(other, megabyte);
  EXPECT_THROW(other.sync(), base::Error);
  EXPECT_EQ(other.durable(), three_mb);
  EXPECT_EQ(repository_.archive().read_segment({one, 3}), wal_bytes(three_mb, four_mb));
}

TEST_F(WalWriterTest, AnotherServersPartsNeverBecomeASegment) {
  auto writer = writer_at(three_mb);
  receive(writer, 1000);
  writer.sync();
  auto other = writer_at(three_mb, 7);
  receive(other, 500);
  other.sync();
  receive(other, megabyte - 500);
  EXPECT_THROW(other.sync(), base::Error);
  EXPECT_THROW((void)repository_.fetch("000000010000000000000003"), base::Error);
  EXPECT_FALSE(repository_.archive().has_segment({one, 3}));
}

TEST_F(WalWriterTest, AnotherCodecIsTheSameSegment) {
  auto writer = writer_at(three_mb);
  receive(writer, megabyte);
  writer.sync();
  WalArchive with_zstd(repository_.storage(), TemporaryArchive::cluster, repository_.size, {Codec::zstd, 1});
  EXPECT_NO_THROW(with_zstd.put_segment({one, 3}, wal_bytes(three_mb, four_mb)));
  EXPECT_EQ(repository_.objects().size(), 1U);
  EXPECT_THROW(with_zstd.put_segment({one, 3}, wal_bytes(three_mb, four_mb, 7)), base::Error);
}

TEST_F(WalWriterTest, GoesOnOnTheNextTimelineAndKeepsTheOldOnesTail) {
  auto writer = writer_at(three_mb);
  receive(writer, 100);
  writer.sync();
  writer.move_to({TimelineId(10), three_mb});
  receive(writer, 300);
  writer.sync();
  EXPECT_THAT(repository_.objects(), ElementsAre("00000001/00000000/000000010000000000000003.part-00000000-00000064",
                                                 "0000000A/00000000/0000000A0000000000000003.part-00000000-0000012C"));
}

TEST(Settle, FinishesWhatACrashLeftBetweenPutAndRemoval) {
  TemporaryArchive repository;
  auto& archive = repository.archive();
  archive.put_part(one, three_mb, wal_bytes(three_mb, three_mb + 500));
  archive.put_part(one, three_mb + 500, wal_bytes(three_mb + 500, four_mb));
  archive.put_segment({one, 3}, wal_bytes(three_mb, four_mb));
  archive.put_part(one, four_mb, wal_bytes(four_mb, four_mb + 500));
  const auto unsettled = archive.unsettled_segments();
  ASSERT_THAT(unsettled, ElementsAre(postgres::WalSegment{one, 3}));
  settle(archive, {SettleTask::Kind::close, unsettled[0]});
  EXPECT_THAT(repository.objects(), ElementsAre("00000001/00000000/000000010000000000000003.lz4",
                                                "00000001/00000000/000000010000000000000004.part-00000000-000001F4"));
}

TEST(Settle, FinishesARemovalThatHadBegunWithTheFirstPart) {
  TemporaryArchive repository;
  auto& archive = repository.archive();
  archive.put_part(one, three_mb + 500, wal_bytes(three_mb + 500, four_mb));
  archive.put_segment({one, 3}, wal_bytes(three_mb, four_mb));
  settle(archive, {SettleTask::Kind::close, {one, 3}});
  EXPECT_THAT(repository.objects(), ElementsAre("00000001/00000000/000000010000000000000003.lz4"));
}

TEST(Settle, TakesAwayAPartThatArrivedAfterItsSegmentWasClosed) {
  TemporaryArchive repository;
  auto& archive = repository.archive();
  archive.put_segment({one, 3}, wal_bytes(three_mb, four_mb));
  archive.put_part(one, three_mb, wal_bytes(three_mb, three_mb + 500));
  settle(archive, {SettleTask::Kind::close, {one, 3}});
  EXPECT_EQ(repository.objects().size(), 1U);
}

TEST(Settler, ReportsWhatFailedToWhoeverAddsNext) {
  TemporaryArchive repository;
  auto& archive = repository.archive();
  archive.put_segment({one, 3}, wal_bytes(three_mb, four_mb));
  archive.put_part(one, three_mb, wal_bytes(three_mb, three_mb + 500, 7));
  Settler settler(archive);
  settler.add({SettleTask::Kind::close, {one, 3}});
  EXPECT_THROW(settler.finish(), base::Error);
  EXPECT_THROW(settler.add({SettleTask::Kind::close, {one, 3}}), base::Error);
}

}  // namespace
}  // namespace backup_engine::wal
