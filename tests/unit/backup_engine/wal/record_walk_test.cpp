// Where records end in WAL that is continuous by its names.
#include "backup_engine/wal/record_walk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/wal/copied_databases.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"
#include "tests/unit/backup_engine/wal/wal_builder.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;
using testing::HasSubstr;
using Kind = RecordsEnd::Kind;

constexpr TimelineId one{1}, two{2};
constexpr std::uint64_t first_segment = 3, all_segments = 20;  // three turns of threads
constexpr Lsn three_mb{first_segment * megabyte};

Lsn start_of_number(std::uint64_t number) {
  return Lsn(number * megabyte);
}

class WalkRecords : public testing::Test {
 protected:
  // Up to somewhere in the twentieth segment.
  static void fill(WalBuilder& wal, std::size_t record_bytes) {
    while (wal.end() < start_of_number(first_segment + all_segments - 1) + 300000) wal.filler(record_bytes);
  }
  void put_segments(const WalBuilder& wal, std::uint64_t from, std::uint64_t to) {
    auto copy = wal;
    for (auto number = from; number < to; ++number) {
      const auto at = (number - first_segment) * megabyte;
      archive().put_segment({one, number}, std::span(copy.bytes()).subspan(at, megabyte));
    }
  }
  RecordsEnd walk(Lsn until, unsigned jobs = 2, TimelineId timeline = one) {
    return walk_records(archive(), path_to(archive(), timeline), 15, first_, until, jobs);
  }
  WalArchive& archive() { return repository_.archive(); }

  TemporaryArchive repository_{Codec::none};
  WalBuilder wal_{three_mb, megabyte};
  Lsn first_ = wal_.filler(100);
};

TEST_F(WalkRecords, ReachTheEndOnOneThreadAndOnMany) {
  fill(wal_, 30000);
  wal_.put_into(archive());
  for (const unsigned jobs : {1U, 2U, 5U}) {
    const auto end = walk(wal_.end(), jobs);
    EXPECT_EQ(end.kind, Kind::reached) << jobs << " " << end.why;
    EXPECT_EQ(end.at, wal_.end());
  }
}

TEST_F(WalkRecords, EndWithinTheOneThatIsNotHeldWhole) {
  fill(wal_, 30000);
  const auto last = wal_.filler(30000);
  wal_.bytes().resize(wal_.bytes().size() - 1000);
  wal_.put_into(archive());
  const auto end = walk(wal_.end());
  EXPECT_EQ(end.kind, Kind::held_ends);
  EXPECT_EQ(end.at, last);
}

TEST_F(WalkRecords, EndWhereAnotherHistoryWasJoined) {
  fill(wal_, 30000);
  WalBuilder other(three_mb, megabyte);
  fill(other, 31000);
  wal_.put_into(archive());
  // Inside a thread's turn, on the seam between two, and directly behind it.
  for (const std::uint64_t number : {5U, 11U, 12U, 19U}) {
    TemporaryArchive spliced(Codec::none);
    auto bytes = wal_.bytes();
    std::copy(other.bytes().begin() + static_cast<std::ptrdiff_t>((number - first_segment) * megabyte),
              other.bytes().begin() + static_cast<std::ptrdiff_t>((all_segments - 1) * megabyte),
              bytes.begin() + static_cast<std::ptrdiff_t>((number - first_segment) * megabyte));
    for (std::uint64_t i = 0; i < all_segments - 1; ++i) {
      spliced.archive().put_segment({one, first_segment + i}, std::span(bytes).subspan(i * megabyte, megabyte));
    }
    const auto until = start_of_number(first_segment + all_segments - 1);
    const auto end = walk_records(spliced.archive(), path_to(spliced.archive(), one), 15, first_, until, 2);
    EXPECT_EQ(end.kind, Kind::broken) << number;
    EXPECT_LE(end.at, start_of_number(number));
    EXPECT_GT(end.at + 40000, start_of_number(number));
    EXPECT_EQ(walk(until).kind, Kind::held_ends) << "the last record reaches over the segment's end";
  }
}

TEST_F(WalkRecords, EndWhereTheNextSegmentsFirstRecordIsLinkedToAnother) {
  fill(wal_, 30000);
  for (const std::uint64_t segments : {2U, 8U}) {
    TemporaryArchive spliced(Codec::none);
    WalBuilder held(three_mb, megabyte), servers(three_mb, megabyte);
    const auto first = held.filler(100);
    servers.filler(100);
    for (std::uint64_t i = 0; i < segments; ++i) {
      held.filler(50);
      servers.filler(70);
      held.switch_segment();
      servers.switch_segment();
    }
    servers.filler(5000);
    const auto boundary = held.end();
    held.put_into(spliced.archive());
    const auto rest = std::span(servers.bytes()).subspan(held.bytes().size());
    spliced.archive().put_part(one, boundary, rest);
    const auto end = walk_records(spliced.archive(), path_to(spliced.archive(), one), 15, first, servers.end(), 2);
    EXPECT_EQ(end.kind, Kind::broken);
    EXPECT_EQ(end.at, boundary);
    EXPECT_THAT(end.why, HasSubstr("does not follow"));
  }
}

TEST_F(WalkRecords, EndInASegmentWhoseInsideIsBroken) {
  fill(wal_, 30000);
  auto& bytes = wal_.bytes();
  bytes[5 * megabyte + 123456] ^= std::byte{1};
  wal_.put_into(archive());
  const auto end = walk(wal_.end());
  EXPECT_EQ(end.kind, Kind::broken);
  EXPECT_LE(end.at, three_mb + 5 * megabyte + 123456);
  ASSERT_TRUE(end.last);
  EXPECT_LT(*end.last, end.at);
  EXPECT_THAT(end.why, HasSubstr("CRC"));
}

// Of a server that died: its last segment, pushed by hand, has nothing behind its last record.
TEST_F(WalkRecords, EndWhereNothingMoreWasWritten) {
  fill(wal_, 30000);
  const auto written = wal_.end();
  wal_.bytes().resize(all_segments * megabyte);
  wal_.put_into(archive());
  const auto end = walk(start_of_number(first_segment + all_segments));
  EXPECT_EQ(end.kind, Kind::no_more);
  EXPECT_EQ(end.at, written);
}

TEST_F(WalkRecords, ButZerosWithMoreWalBehindThemAreDamage) {
  fill(wal_, 30000);
  auto& bytes = wal_.bytes();
  std::fill_n(bytes.begin() + 6 * megabyte + 400000, 100000, std::byte{0});
  wal_.put_into(archive());
  EXPECT_EQ(walk(wal_.end()).kind, Kind::broken);
}

TEST_F(WalkRecords, FollowARecordThatACrashCutOffOverTheSeam) {
  const auto seam = start_of_number(first_segment + 8);
  while (wal_.end() + 1100 < seam) wal_.filler(1000);
  wal_.cut_off();
  ASSERT_GT(wal_.end(), seam);
  fill(wal_, 30000);
  wal_.put_into(archive());
  for (const unsigned jobs : {1U, 3U}) {
    const auto end = walk(wal_.end(), jobs);
    EXPECT_EQ(end.kind, Kind::reached) << end.why;
  }
}

BackupSummary backup_between(Lsn start, Lsn stop) {
  BackupSummary backup;
  backup.postgres_major = 15;
  backup.timeline = one;
  backup.start_lsn = start;
  backup.stop_lsn = stop;
  return backup;
}

TEST_F(WalkRecords, TellWhichDatabasesWereCopiedWhileABackupWasTaken) {
  wal_.copy_database(16500, 1663, 1, 1663);
  const auto start = wal_.filler(100);
  const auto first = wal_.copy_database(16501, 1663, 16400, 1663);
  wal_.copy_database(16501, 16388, 16400, 16388);  // its files in another tablespace
  wal_.create_database(16502, 1663);
  fill(wal_, 30000);
  const auto moved = wal_.copy_database(16400, 16388, 16400, 1663);
  const auto stop = wal_.filler(100);
  wal_.copy_database(16503, 1663, 1, 1663);
  wal_.put_into(archive());
  for (const unsigned jobs : {1U, 4U}) {
    EXPECT_EQ(find_copied_databases(archive(), backup_between(start, stop), jobs, {}),
              (std::vector<CopiedDatabase>{{first, 16501, 16400, "", ""}, {moved, 16400, 16400, "", "", true}}));
  }
  EXPECT_EQ(find_copied_databases(archive(), backup_between(moved + 8, stop), 1, {}), std::nullopt)
      << "no record begins there";
}

TEST_F(WalkRecords, TellWhereMinimalWalBeginsAndTheRecordBefore) {
  std::vector<std::pair<Lsn, Lsn>> written;
  wal_.filler(50);
  for (std::uint32_t i = 0; i < 20; ++i) {
    const auto before = wal_.switch_segment();  // so that each is the first record of a segment
    const auto level = i % 3;
    const auto record = wal_.change_parameters(level);
    if (level == 0) written.emplace_back(record, before);
  }
  wal_.put_into(archive());
  for (const unsigned jobs : {1U, 3U}) {
    std::vector<std::pair<Lsn, Lsn>> told;
    for (const auto& [record, before] : walk(wal_.end(), jobs).minimal) told.emplace_back(record, before.value());
    EXPECT_EQ(told, written);
  }
}

TEST_F(WalkRecords, TellNothingOfDatabasesWhereTheyAreBroken) {
  wal_.copy_database(16501, 1663, 16400, 1663);
  fill(wal_, 30000);
  wal_.bytes()[5 * megabyte + 123456] ^= std::byte{1};
  wal_.put_into(archive());
  EXPECT_EQ(find_copied_databases(archive(), backup_between(first_, wal_.end()), 2, {}), std::nullopt);
}

TEST_F(WalkRecords, FollowTheTimelines) {
  while (wal_.end() < start_of_number(first_segment + 9) + 5000) wal_.filler(3000);
  const auto branching = wal_.end();
  auto branch = wal_.branch(two);
  wal_.filler(4000);
  fill(branch, 25000);
  wal_.put_into(archive());
  branch.put_into(archive());
  archive().put_history(two, "1\t" + to_string(branching) + "\tpromoted\n");
  const auto end = walk(branch.end(), 2, two);
  EXPECT_EQ(end.kind, Kind::reached) << end.why;
  EXPECT_EQ(walk(wal_.end(), 2, one).kind, Kind::reached);
}

}  // namespace
}  // namespace backup_engine::wal
