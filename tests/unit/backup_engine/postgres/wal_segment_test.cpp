#include "backup_engine/postgres/wal_segment.hpp"

#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/replication_connection.hpp"

namespace backup_engine::postgres {
namespace {

constexpr SegmentSize size_16mb{};
const SegmentSize size_1mb = SegmentSize::of_bytes(1024 * 1024);
const SegmentSize size_1gb = SegmentSize::of_bytes(1024ULL * 1024 * 1024);

TEST(SegmentSize, IsAPowerOfTwoFromOneMegabyteToOneGigabyte) {
  for (const auto bytes : {0ULL, 1023ULL * 1024, 3ULL * 1024 * 1024, 2048ULL * 1024 * 1024}) {
    EXPECT_THROW((void)SegmentSize::of_bytes(bytes), base::Error) << bytes;
  }
}

TEST(SegmentFileName, DependsOnTheSegmentSize) {
  const Lsn lsn(0x1'0350'0000);
  EXPECT_EQ(file_name(segment_holding(TimelineId(1), lsn, size_16mb), size_16mb), "000000010000000100000003");
  EXPECT_EQ(file_name(segment_holding(TimelineId(1), lsn, size_1mb), size_1mb), "000000010000000100000035");
  EXPECT_EQ(file_name(segment_holding(TimelineId(1), lsn, size_1gb), size_1gb), "000000010000000100000000");
}

TEST(SegmentFileName, ReadsBackWhatItWrites) {
  for (const auto& size : {size_1mb, size_16mb, size_1gb}) {
    const WalSegment segment{TimelineId(26), 12345};
    EXPECT_EQ(parse_segment_name(file_name(segment, size), size), segment);
  }
}

TEST(SegmentFileName, RefusesNumbersThatTheSizeCannotHave) {
  EXPECT_TRUE(parse_segment_name("0000000100000001000000FF", size_16mb));
  EXPECT_FALSE(parse_segment_name("000000010000000100000100", size_16mb));
  EXPECT_FALSE(parse_segment_name("00000001000000010000000", size_16mb));
  EXPECT_FALSE(parse_segment_name("00000001000000010000000a", size_16mb));
}

TEST(SegmentEndingAt, ABoundaryBelongsToTheSegmentBefore) {
  EXPECT_EQ(segment_ending_at(TimelineId(1), Lsn(0x3000000), size_16mb).number, 2U);
  EXPECT_EQ(segment_holding(TimelineId(1), Lsn(0x3000000), size_16mb).number, 3U);
  EXPECT_EQ(segment_ending_at(TimelineId(1), Lsn(0x3000001), size_16mb).number, 3U);
}

TEST(ParseSegmentSize, ReadsWhatShowPrints) {
  EXPECT_EQ(parse_segment_size("16MB"), size_16mb);
  EXPECT_EQ(parse_segment_size("1GB"), size_1gb);
  EXPECT_EQ(parse_segment_size("1024kB"), size_1mb);
  for (const auto* text : {"", "MB", "16", "16 MB", "17MB", "16TB", "99999999999999999999GB"}) {
    EXPECT_THROW((void)parse_segment_size(text), base::Error) << text;
  }
}

TEST(RequireSlotName, AcceptsWhatPostgresqlAccepts) {
  EXPECT_NO_THROW(require_slot_name("lifeboat_1"));
  EXPECT_NO_THROW(require_slot_name(std::string(63, 'a')));
  for (const auto& name :
       {std::string(), std::string("Lifeboat"), std::string("a-b"), std::string("a\"; DROP"), std::string(64, 'a')}) {
    EXPECT_THROW(require_slot_name(name), base::Error) << name;
  }
}

}  // namespace
}  // namespace backup_engine::postgres
