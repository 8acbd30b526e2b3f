// Telling another history of the same server from the one that is held.
#include "backup_engine/wal/overlap.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/backup_engine/wal/temporary_archive.hpp"
#include "tests/unit/backup_engine/wal/wal_builder.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;
using testing::HasSubstr;

constexpr TimelineId one{1};
constexpr Lsn three_mb{3 * megabyte}, four_mb{4 * megabyte};

class CompareWithHeld : public testing::Test {
 protected:
  // The server's bytes in pieces of this size.
  std::string complaint(const std::vector<std::byte>& servers, StreamPosition held_until, std::size_t piece_bytes) {
    HeldComparison comparison(repository_.archive(), held_until, three_mb);
    try {
      for (std::size_t at = 0; at < servers.size() && !comparison.done(); at += piece_bytes) {
        comparison.compare(std::span(servers).subspan(at, std::min(piece_bytes, servers.size() - at)));
      }
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), base::ErrorKind::mismatch);
      EXPECT_THAT(error.remedy(), HasSubstr("another cluster name"));
      return error.what();
    }
    return comparison.done() ? "the same" : "not done";
  }

  TemporaryArchive repository_;
};

TEST_F(CompareWithHeld, FindsTheSameInPiecesOverSegmentsAndParts) {
  const auto end = four_mb + 5000;
  const auto bytes = wal_bytes(three_mb, end + 3000);
  repository_.archive().put_segment({one, 3}, wal_bytes(three_mb, four_mb));
  repository_.archive().put_part(one, four_mb, wal_bytes(four_mb, four_mb + 1000));
  repository_.archive().put_part(one, four_mb + 1000, wal_bytes(four_mb + 1000, end));
  EXPECT_EQ(complaint(bytes, {one, end}, 131072), "the same");
  EXPECT_EQ(complaint(bytes, {one, end}, 777), "the same");
}

TEST_F(CompareWithHeld, NamesTheFirstPositionThatDiffers) {
  repository_.archive().put_segment({one, 3}, wal_bytes(three_mb, four_mb));
  auto bytes = wal_bytes(three_mb, four_mb);
  bytes[300000] ^= std::byte{1};
  bytes[400000] ^= std::byte{1};
  EXPECT_THAT(complaint(bytes, {one, four_mb}, 131072), HasSubstr("they differ at " + to_string(three_mb + 300000)));
}

TEST_F(CompareWithHeld, IgnoresWhatIsBehindTheEndOfWhatIsHeld) {
  repository_.archive().put_part(one, three_mb, wal_bytes(three_mb, three_mb + 9000));
  auto bytes = wal_bytes(three_mb, three_mb + 10000);
  bytes[9000] ^= std::byte{1};
  EXPECT_EQ(complaint(bytes, {one, three_mb + 9000}, 10000), "the same");
}

TEST(OverlapStart, IsTheSegmentsOwnOrTheOneBeforeWhereThatWouldBeLittle) {
  const auto size = postgres::SegmentSize::of_bytes(megabyte);
  const std::vector<WalRange> held{{one, Lsn(megabyte), four_mb + 500000}};
  EXPECT_EQ(overlap_start(held, {one, four_mb + 500000}, size), four_mb);
  EXPECT_EQ(overlap_start(held, {one, four_mb + 100}, size), three_mb);
  EXPECT_EQ(overlap_start(held, {one, four_mb}, size), three_mb);
  EXPECT_EQ(overlap_start(held, {TimelineId(2), four_mb}, size), std::nullopt);
}

TEST(OverlapStart, NeverLiesBeforeWhatIsHeld) {
  const auto size = postgres::SegmentSize::of_bytes(megabyte);
  const std::vector<WalRange> held{{one, four_mb, four_mb + 100}};
  EXPECT_EQ(overlap_start(held, {one, four_mb + 100}, size), four_mb);
}

class LinkOfRecords : public testing::Test {
 protected:
  // What a server would send from the second segment on.
  std::vector<std::byte> second_segment() {
    const auto& bytes = wal_.bytes();
    return {bytes.begin() + megabyte, bytes.end()};
  }
  std::optional<Lsn> last_held() {
    const auto& bytes = wal_.bytes();
    repository_.archive().put_segment({one, 3}, std::span(bytes).first(megabyte));
    return last_record_before(repository_.archive(), {one, four_mb}, 15);
  }

  TemporaryArchive repository_;
  WalBuilder wal_{three_mb, megabyte};
};

TEST_F(LinkOfRecords, IsTheLastRecordBeforeASegmentSwitch) {
  wal_.filler(100);
  const auto last = wal_.switch_segment();
  wal_.filler(100);
  EXPECT_EQ(link_of_first_record(second_segment()), last);
  EXPECT_EQ(last_held(), last);
}

TEST_F(LinkOfRecords, IsTheOneThatReachesOverTheSegmentsEnd) {
  wal_.filler(megabyte - 20000);
  const auto last = wal_.filler(50000);
  wal_.filler(100);
  EXPECT_EQ(link_of_first_record(second_segment()), last);
  EXPECT_EQ(last_held(), last);
}

TEST_F(LinkOfRecords, IsFoundOverASegmentInWhichNoRecordBegins) {
  const auto last = wal_.filler(2 * megabyte);
  const auto& bytes = wal_.bytes();
  repository_.archive().put_segment({one, 3}, std::span(bytes).first(megabyte));
  repository_.archive().put_segment({one, 4}, std::span(bytes).subspan(megabyte, megabyte));
  EXPECT_EQ(last_record_before(repository_.archive(), {one, Lsn(5 * megabyte)}, 15), last);
}

TEST_F(LinkOfRecords, NeedsTheBytesThatHoldIt) {
  wal_.filler(100);
  const auto last = wal_.switch_segment();
  wal_.filler(100);
  auto bytes = second_segment();
  bytes.resize(48);
  EXPECT_EQ(link_of_first_record(bytes), std::nullopt);
  bytes = second_segment();
  bytes.resize(56);
  EXPECT_EQ(link_of_first_record(bytes), last);
}

TEST_F(LinkOfRecords, IsAnotherInAnotherHistory) {
  wal_.filler(100);
  wal_.filler(50);
  wal_.switch_segment();
  wal_.filler(10);
  WalBuilder other(three_mb, megabyte);
  other.filler(100);
  other.filler(90);
  other.switch_segment();
  other.filler(10);
  const auto& bytes = other.bytes();
  EXPECT_NE(link_of_first_record(std::span(bytes).subspan(megabyte)), last_held());
}

}  // namespace
}  // namespace backup_engine::wal
