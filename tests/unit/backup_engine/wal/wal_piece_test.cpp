#include "backup_engine/wal/wal_piece.hpp"

#include <gtest/gtest.h>

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::SegmentSize;
using postgres::TimelineId;

constexpr SegmentSize size_16mb{};
constexpr TimelineId one{1};

TEST(PartFileName, CountsFromTheSegmentsStart) {
  EXPECT_EQ(part_file_name(one, Lsn(0x3000000), Lsn(0x3002000), size_16mb),
            "000000010000000000000003.part-00000000-00002000");
  EXPECT_EQ(part_file_name(TimelineId(10), Lsn(0x103FFF000), Lsn(0x104000000), size_16mb),
            "0000000A0000000100000003.part-00FFF000-01000000");
}

TEST(ParsePiece, ReadsBackWhatWasNamed) {
  const auto piece = parse_piece("wal/x/000000010000000000000003.part-00000010-00002000", size_16mb);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->kind, PieceKind::part);
  EXPECT_EQ(piece->from, Lsn(0x3000010));
  EXPECT_EQ(piece->to, Lsn(0x3002000));
  EXPECT_EQ(piece->object, "wal/x/000000010000000000000003.part-00000010-00002000");
}

TEST(ParsePiece, KnowsTheSegmentSize) {
  const auto piece = parse_piece("000000010000000000000FFF.zstd", SegmentSize::of_bytes(1024 * 1024));
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->kind, PieceKind::segment);
  EXPECT_EQ(piece->from, Lsn(0xFFF00000));
  EXPECT_EQ(piece->to, Lsn(0x100000000));
  EXPECT_FALSE(parse_piece("000000010000000000000FFF.zstd", size_16mb));
}

TEST(ParsePiece, PassesOverEverythingElse) {
  for (const auto* name :
       {"", "00000002.history", "000000010000000000000003", "000000010000000000000003.partial",
        "000000010000000000000003.00000028.backup", "000000010000000000000003.lz4.tmp",
        "000000010000000000000003.part-00000000-01000001", "000000010000000000000003.part-00002000-00002000",
        "000000010000000000000003.part-0-2000", "00000001000000000000000g.lz4",
        "00000001.gap-0000000003000000-0000000005000000", "a000000010000000000000003.lz4"}) {
    EXPECT_FALSE(parse_piece(name, size_16mb)) << name;
  }
}

TEST(ParseGap, ReadsBackWhatWasNamed) {
  const WalGap gap{TimelineId(10), Lsn(0x3000000), Lsn(0x105000000)};
  EXPECT_EQ(gap_file_name(gap), "0000000A.gap-0000000003000000-0000000105000000");
  EXPECT_EQ(parse_gap("c/wal/" + gap_file_name(gap)), gap);
  EXPECT_FALSE(parse_gap("0000000A.history"));
  EXPECT_FALSE(parse_gap("0000000A.gap-0000000003000000-0000000003000000"));
  EXPECT_FALSE(parse_gap(""));
}

TEST(DurableRanges, JoinsSegmentsAndPartsThatTouch) {
  const std::vector<std::string> names = {"000000010000000000000004.part-00000000-00000100",
                                          "000000010000000000000003.lz4",
                                          "000000010000000000000004.part-00000100-00000300", "00000001.history"};
  const auto ranges = durable_ranges(names, size_16mb);
  ASSERT_EQ(ranges.size(), 1U);
  EXPECT_EQ(ranges[0].start, Lsn(0x3000000));
  EXPECT_EQ(ranges[0].end, Lsn(0x4000300));
}

TEST(DurableRanges, KeepsHolesAndTimelinesApart) {
  const std::vector<std::string> names = {"000000010000000000000003.lz4", "000000010000000000000005.lz4",
                                          "000000020000000000000004.lz4",
                                          "000000010000000000000006.part-00000001-00000100"};
  const auto ranges = durable_ranges(names, size_16mb);
  ASSERT_EQ(ranges.size(), 4U);
  EXPECT_EQ(ranges[1].end, Lsn(0x6000000));
  EXPECT_EQ(ranges[2].start, Lsn(0x6000001));
  EXPECT_EQ(ranges[3].timeline, TimelineId(2));
  EXPECT_EQ(durable_end(ranges, one), Lsn(0x6000100));
  EXPECT_EQ(durable_end(ranges, TimelineId(3)), std::nullopt);
}

TEST(DurableRanges, AMergedPartHidesThoseItWasMadeOf) {
  const std::vector<std::string> names = {"000000010000000000000003.part-00000000-00000300",
                                          "000000010000000000000003.part-00000100-00000200",
                                          "000000010000000000000003.part-00000300-00000400"};
  const auto ranges = durable_ranges(names, size_16mb);
  ASSERT_EQ(ranges.size(), 1U);
  EXPECT_EQ(ranges[0].end, Lsn(0x3000400));
}

TEST(Holds, WantsOneRangeForAllOfIt) {
  const std::vector<WalRange> ranges = {{one, Lsn(100), Lsn(200)}, {one, Lsn(300), Lsn(400)}};
  EXPECT_TRUE(holds(ranges, one, Lsn(100), Lsn(200)));
  EXPECT_FALSE(holds(ranges, one, Lsn(100), Lsn(201)));
  EXPECT_FALSE(holds(ranges, one, Lsn(150), Lsn(350)));
  EXPECT_FALSE(holds(ranges, TimelineId(2), Lsn(100), Lsn(200)));
}

}  // namespace
}  // namespace backup_engine::wal
