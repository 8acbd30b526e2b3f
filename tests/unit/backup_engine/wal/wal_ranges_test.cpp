#include "backup_engine/wal/wal_ranges.hpp"

#include <gtest/gtest.h>

#include "backup_engine/wal/wal_gap.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;

constexpr TimelineId one{1};

TEST(DurableRanges, JoinSegmentsAndPartsThatTouch) {
  TemporaryArchive repository;
  auto& archive = repository.archive();
  archive.put_segment({one, 3}, wal_bytes(Lsn(3 * megabyte), Lsn(4 * megabyte)));
  archive.put_part(one, Lsn(4 * megabyte), wal_bytes(Lsn(4 * megabyte), Lsn(4 * megabyte + 100)));
  archive.put_part(one, Lsn(4 * megabyte + 100), wal_bytes(Lsn(4 * megabyte + 100), Lsn(4 * megabyte + 300)));
  archive.put_segment({one, 6}, wal_bytes(Lsn(6 * megabyte), Lsn(7 * megabyte)));
  const auto ranges = durable_ranges(repository.storage(), TemporaryArchive::cluster, repository.size);
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_EQ(ranges[0].start, Lsn(3 * megabyte));
  EXPECT_EQ(ranges[0].end, Lsn(4 * megabyte + 300));
  EXPECT_EQ(durable_end(ranges, one), Lsn(7 * megabyte));
  EXPECT_EQ(durable_end(ranges, TimelineId(2)), std::nullopt);
}

TEST(Holds, WantsOneRangeForAllOfIt) {
  const std::vector<WalRange> ranges = {{one, Lsn(100), Lsn(200)}, {one, Lsn(300), Lsn(400)}};
  EXPECT_TRUE(holds(ranges, one, Lsn(100), Lsn(200)));
  EXPECT_FALSE(holds(ranges, one, Lsn(100), Lsn(201)));
  EXPECT_FALSE(holds(ranges, one, Lsn(150), Lsn(350)));
  EXPECT_FALSE(holds(ranges, TimelineId(2), Lsn(100), Lsn(200)));
}

TEST(GapObject, ReadsBackWhatWasNamed) {
  const WalGap gap{TimelineId(10), Lsn(0x3000000), Lsn(0x105000000)};
  const auto name = gap_object_name("main", gap);
  EXPECT_EQ(name, "clusters/main/wal/0000000A.gap-0000000003000000-0000000105000000");
  EXPECT_EQ(parse_gap_object("main", name), gap);
  EXPECT_FALSE(parse_gap_object("other", name));
  EXPECT_FALSE(parse_gap_object("main", "clusters/main/wal/0000000A.history"));
  EXPECT_FALSE(parse_gap_object("main", "clusters/main/wal/0000000A.gap-0000000003000000-0000000003000000"));
  EXPECT_FALSE(parse_gap_object("main", ""));
}

TEST(WalGaps, AreKeptForGood) {
  TemporaryArchive repository;
  const WalGap gap{one, Lsn(3 * megabyte), Lsn(5 * megabyte)};
  repository.archive().put_gap(gap, "it was removed");
  repository.archive().put_gap(gap, "and asked for once more");
  EXPECT_EQ(repository.archive().gaps(), std::vector{gap});
  const auto text = repository.storage().read_text(gap_object_name(TemporaryArchive::cluster, gap));
  EXPECT_NE(text.find("it was removed"), std::string::npos);
}

}  // namespace
}  // namespace backup_engine::wal
