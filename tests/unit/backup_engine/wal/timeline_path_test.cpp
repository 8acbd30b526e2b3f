#include "backup_engine/wal/timeline_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "tests/unit/backup_engine/wal/shared_storage.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;

constexpr TimelineId one{1}, two{2}, three{3}, five{5};

class Timelines : public testing::Test {
 protected:
  Timelines() {
    archive().put_history(two, "1\t0/300100\tno recovery target specified\n");
    archive().put_history(three, "1\t0/300100\tpromoted\n2\t0/500200\tbefore 2026-11-20 12:00:00+00\n");
    archive().put_history(five, "1\t0/200000\talong another line\n");
  }
  WalArchive& archive() { return repository_.archive(); }
  TemporaryArchive repository_;
};

TEST_F(Timelines, LatestIsTheLastBeforeAMissingHistory) {
  EXPECT_EQ(wanted_timeline(archive(), "latest", one), three);
  EXPECT_EQ(wanted_timeline(archive(), "latest", five), five);
  EXPECT_EQ(wanted_timeline(archive(), "current", two), two);
  EXPECT_EQ(wanted_timeline(archive(), "5", one), five);
  EXPECT_EQ(wanted_timeline(archive(), "1", three), one);
}

TEST_F(Timelines, ANumberWithoutAHistoryIsNotThere) {
  try {
    static_cast<void>(wanted_timeline(archive(), "4", one));
    FAIL() << "accepted";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::not_found);
    EXPECT_THAT(error.what(), testing::HasSubstr("timeline 4"));
  }
}

// A receiver that follows a promotion puts the history first.
TEST_F(Timelines, OneThatBeginsMeanwhileIsNoneWhoseHistoryIsMissing) {
  SharedStorage storage(repository_.storage());
  const WalArchive shared(storage, TemporaryArchive::cluster, repository_.size, {});
  constexpr TimelineId four{4}, six{6};
  const auto begin = [&](TimelineId timeline) {
    archive().put_history(timeline, "1\t0/300100\tpromoted\n");
    archive().put_part(timeline, Lsn(0x300000), wal_bytes(Lsn(0x300000), Lsn(0x300200)));
  };
  storage.before_list([&] { begin(six); });
  EXPECT_EQ(wanted_timeline(shared, "latest", five), six);
  storage.before_list([&] { begin(four); });
  EXPECT_TRUE(probe_history(shared, four));
  EXPECT_FALSE(probe_history(shared, one)) << "the first has none";
  archive().put_part(TimelineId(7), Lsn(0x300000), wal_bytes(Lsn(0x300000), Lsn(0x300200)));
  EXPECT_THROW(static_cast<void>(wanted_timeline(shared, "latest", five)), base::Error);
}

TEST_F(Timelines, APathLeavesEachWhereTheNextBranchesOff) {
  EXPECT_THAT(path_to(archive(), one), testing::ElementsAre(TimelineSpan{one, Lsn(), std::nullopt}));
  const auto path = path_to(archive(), three);
  EXPECT_THAT(path, testing::ElementsAre(TimelineSpan{one, Lsn(), Lsn(0x300100)},
                                         TimelineSpan{two, Lsn(0x300100), Lsn(0x500200)},
                                         TimelineSpan{three, Lsn(0x500200), std::nullopt}));
  EXPECT_TRUE(lies_on(path, one, Lsn(0x300100)));
  EXPECT_FALSE(lies_on(path, one, Lsn(0x300101)));
  EXPECT_TRUE(lies_on(path, three, Lsn(0x900000)));
  EXPECT_FALSE(lies_on(path, five, Lsn(0x100000)));
}

TEST_F(Timelines, WalIsHeldAlongThePathUpToAHole) {
  const auto path = path_to(archive(), three);
  std::vector<WalRange> held{
      {one, Lsn(0x200000), Lsn(0x400000)}, {two, Lsn(0x300000), Lsn(0x500200)}, {three, Lsn(0x500000), Lsn(0x600000)}};
  EXPECT_EQ(held_until(held, path, Lsn(0x200028)), Lsn(0x600000));
  EXPECT_EQ(held_until(held, path, Lsn(0x100028)), Lsn(0x100028)) << "its start is not held";
  held[1].end = Lsn(0x400000);
  EXPECT_EQ(held_until(held, path, Lsn(0x200028)), Lsn(0x400000)) << "not over a hole";
  EXPECT_EQ(held_until(held, path, Lsn(0x500300)), Lsn(0x600000));
}

}  // namespace
}  // namespace backup_engine::wal
