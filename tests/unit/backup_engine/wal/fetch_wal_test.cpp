#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;

constexpr TimelineId one{1};
constexpr Lsn three_mb{3 * megabyte}, four_mb{4 * megabyte}, five_mb{5 * megabyte};

class FetchWal : public testing::Test {
 protected:
  WalArchive& archive() { return repository_.archive(); }
  void put(Lsn from, Lsn to) { archive().put_part(one, from, wal_bytes(from, to)); }
  void put_segment(std::uint64_t number) {
    archive().put_segment({one, number}, wal_bytes(Lsn(number * megabyte), Lsn((number + 1) * megabyte)));
  }
  std::string complaint(const std::string& name) {
    try {
      (void)repository_.fetch(name);
      return "no complaint";
    } catch (const base::Error& error) {
      EXPECT_FALSE(std::filesystem::exists(repository_.target()));
      return error.what();
    }
  }

  TemporaryArchive repository_;
};

TEST_F(FetchWal, GivesAWholeSegment) {
  put_segment(3);
  ASSERT_EQ(repository_.fetch("000000010000000000000003"), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetched(), text_of(wal_bytes(three_mb, four_mb)));
}

TEST_F(FetchWal, JoinsPartsAndPadsTheOpenSegment) {
  put_segment(3);
  put(four_mb, four_mb + 100);
  put(four_mb + 100, four_mb + 5000);
  ASSERT_EQ(repository_.fetch("000000010000000000000004"), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetched(), text_of(wal_bytes(four_mb, four_mb + 5000)) + std::string(megabyte - 5000, '\0'));
}

// A folder that is gone, as with storage that is not mounted, must not look like the end of WAL.
TEST_F(FetchWal, ComplainsWhenThereIsNoWalAtAll) {
  EXPECT_THAT(complaint("000000010000000000000003"), testing::HasSubstr("holds no WAL of cluster main at all"));
  EXPECT_THAT(complaint("00000002.history"), testing::HasSubstr("no WAL"));
}

TEST_F(FetchWal, WhatIsNotThereIsAValueAndLeavesNoFile) {
  put_segment(3);
  for (const auto* name :
       {"000000010000000000000004", "000000010000000000000005", "000000020000000000000003", "00000002.history",
        "000000010000000000000003.partial", "000000010000000000000003.00000028.backup"}) {
    EXPECT_EQ(repository_.fetch(name), WalFetchOutcome::not_there) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(repository_.target()));
}

// PostgreSQL would replay the old timeline's segment instead, and end there.
TEST_F(FetchWal, ComplainsWhenATimelinesFirstSegmentIsMissing) {
  const TimelineId two{2};
  put_segment(3);
  archive().put_history(two, "1\t0/400100\tno recovery target specified\n");
  EXPECT_EQ(repository_.fetch("000000020000000000000004"), WalFetchOutcome::not_there) << "nothing of it was held yet";
  archive().put_segment({two, 5}, wal_bytes(five_mb, Lsn(6 * megabyte)));
  EXPECT_THAT(complaint("000000020000000000000004"), testing::HasSubstr("timeline 2 is missing from 0/400000"));
  EXPECT_EQ(repository_.fetch("000000020000000000000003"), WalFetchOutcome::not_there) << "before it began";
}

// Expired, while a recovery was under way perhaps: it would promote, and lose all that follows.
TEST_F(FetchWal, ComplainsToARecoveryOfWhatIsOlderThanAllThatIsHeld) {
  const TimelineId two{2};
  archive().put_history(two, "1\t0/400100\tno recovery target specified\n");
  archive().put_segment({two, 6}, wal_bytes(Lsn(6 * megabyte), Lsn(7 * megabyte)));
  EXPECT_THAT(complaint("000000020000000000000004"),
              testing::AllOf(testing::HasSubstr("from 0/400000 on"), testing::HasSubstr("begins at 0/600000")));
}

// It finds it elsewhere, and never takes it for the end.
TEST_F(FetchWal, WhatIsOlderThanAllThatIsHeldIsNotThereForAStandby) {
  put_segment(6);
  const auto data_directory = repository_.target().parent_path() / "data";
  std::filesystem::create_directories(data_directory / "pg_wal");
  const auto ask = [&] {
    return fetch_wal({repository_.location(), TemporaryArchive::cluster, "000000010000000000000004",
                      data_directory / "pg_wal" / "RECOVERYXLOG"});
  };
  std::ofstream(data_directory / "standby.signal").flush();
  EXPECT_EQ(ask(), WalFetchOutcome::not_there);
  std::filesystem::remove(data_directory / "standby.signal");
  EXPECT_THROW((void)ask(), base::Error);
}

TEST_F(FetchWal, ComplainsWhenTheHistoryOfATimelineThatIsHeldIsMissing) {
  put_segment(3);
  archive().put_part(TimelineId(2), four_mb, wal_bytes(four_mb, four_mb + 100));
  EXPECT_THAT(complaint("00000002.history"), testing::HasSubstr("00000002.history is missing"));
  EXPECT_EQ(repository_.fetch("00000003.history"), WalFetchOutcome::not_there);
  EXPECT_EQ(repository_.fetch("00000001.history"), WalFetchOutcome::not_there) << "the first timeline has none";
}

TEST_F(FetchWal, GivesHistoriesByTheirExactName) {
  const std::string history = "1\t0/3000148\tno recovery target specified\n";
  archive().put_history(TimelineId(10), history);
  ASSERT_EQ(repository_.fetch("0000000A.history"), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetched(), history);
}

TEST_F(FetchWal, ReplacesAnOldFileWhole) {
  std::ofstream(repository_.target()) << "left by an earlier attempt";
  put_segment(3);
  ASSERT_EQ(repository_.fetch("000000010000000000000003"), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetched().size(), megabyte);
  const std::filesystem::directory_iterator entries(repository_.target().parent_path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 2) << "the file and the repository, no temporary one";
}

TEST_F(FetchWal, NamesTheCorruptObject) {
  put_segment(3);
  const auto object = std::filesystem::path(repository_.location().text) /
                      store::wal_prefix(TemporaryArchive::cluster) / repository_.objects().at(0);
  std::filesystem::resize_file(object, std::filesystem::file_size(object) - 1);
  EXPECT_THAT(complaint("000000010000000000000003"), testing::HasSubstr("000000010000000000000003.lz4"));
}

TEST_F(FetchWal, NeverPadsWhereMoreWalIsHeldFurtherOn) {
  put(three_mb, three_mb + 100);
  put_segment(5);
  EXPECT_THAT(complaint("000000010000000000000003"), testing::HasSubstr("missing from 0/300064 to 0/500000"));
}

TEST_F(FetchWal, AMissingSegmentBetweenOthersIsNoEndOfWal) {
  put_segment(3);
  put_segment(5);
  EXPECT_THAT(complaint("000000010000000000000004"), testing::HasSubstr("missing from 0/400000 to 0/500000"));
}

TEST_F(FetchWal, RefusesARecordedGapByName) {
  put_segment(3);
  put(four_mb, four_mb + 100);
  archive().put_gap({one, four_mb + 100, Lsn(6 * megabyte)}, "removed on the server");
  EXPECT_THAT(complaint("000000010000000000000004"), testing::HasSubstr("a gap from 0/400064 to 0/600000"));
  EXPECT_THAT(complaint("000000010000000000000005"), testing::HasSubstr("0/500000 lies in it"));
  EXPECT_EQ(repository_.fetch("000000010000000000000006"), WalFetchOutcome::not_there);
}

TEST_F(FetchWal, AnotherTimelinesWalIsNoHole) {
  put(three_mb, three_mb + 100);
  archive().put_segment({TimelineId(2), 3}, wal_bytes(three_mb, four_mb));
  archive().put_segment({TimelineId(2), 4}, wal_bytes(four_mb, five_mb));
  EXPECT_EQ(repository_.fetch("000000010000000000000003"), WalFetchOutcome::fetched);
  EXPECT_EQ(repository_.fetch("000000010000000000000004"), WalFetchOutcome::not_there);
}

TEST_F(FetchWal, RefusesANameThatIsNoWal) {
  EXPECT_THROW((void)repository_.fetch("../../etc/passwd"), base::Error);
}

TEST_F(FetchWal, AnUnreachableRepositoryIsNotTheSameAsNotThere) {
  EXPECT_THROW((void)fetch_wal(
                   {{"/nowhere/at/all"}, TemporaryArchive::cluster, "000000010000000000000003", repository_.target()}),
               base::Error);
}

}  // namespace
}  // namespace backup_engine::wal
