// Settling a segment while another process, archive_command beside a receiver, settles it too.
#include "backup_engine/wal/settle.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "backup_engine/base/error.hpp"
#include "tests/unit/backup_engine/wal/shared_storage.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;

constexpr TimelineId one{1};
constexpr Lsn start{3 * megabyte}, end{4 * megabyte};

class SettleBesideAnother : public ::testing::Test {
 protected:
  void put_parts(std::uint64_t count, std::uint64_t bytes) {
    for (std::uint64_t part = 0; part < count; ++part) {
      const auto from = start + part * bytes;
      theirs().put_part(one, from, wal_bytes(from, from + bytes));
    }
  }
  void settle_ours(SettleTask::Kind kind) { settle(ours_, {kind, segment_}); }
  void archive_theirs() {
    theirs().put_segment(segment_, wal_bytes(start, end));
    settle(theirs(), {SettleTask::Kind::close, segment_});
  }
  // One whenever something is opened here: the first that was listed.
  void let_them_remove_just_ahead() {
    storage_.before_open([&] {
      const auto parts = theirs().parts_of(segment_);
      if (!parts.empty()) theirs().remove(parts.front().object);
      let_them_remove_just_ahead();
    });
  }
  [[nodiscard]] WalArchive& theirs() { return repository_.archive(); }
  void expect_whole_alone() {
    EXPECT_TRUE(theirs().parts_of(segment_).empty());
    const auto whole = theirs().read_segment(segment_);
    ASSERT_TRUE(whole);
    EXPECT_TRUE(*whole == wal_bytes(start, end));
  }

  TemporaryArchive repository_;
  SharedStorage storage_{repository_.storage()};
  WalArchive ours_{storage_, TemporaryArchive::cluster, repository_.size, {Codec::lz4, 1}};
  const postgres::WalSegment segment_ = segment_holding(one, start, repository_.size);
};

TEST_F(SettleBesideAnother, ClosingDoesNotMindThatTheListedPartsAreGone) {
  put_parts(16, megabyte / 16);
  storage_.before_open([&] { archive_theirs(); });
  settle_ours(SettleTask::Kind::close);
  expect_whole_alone();
}

TEST_F(SettleBesideAnother, ClosingDoesNotTakeTheirFirstRemovalsForMissingWal) {
  put_parts(16, megabyte / 16);
  storage_.before_list([&] {
    theirs().put_segment(segment_, wal_bytes(start, end));
    theirs().remove(theirs().parts_of(segment_).front().object);
  });
  settle_ours(SettleTask::Kind::close);
  expect_whole_alone();
}

TEST_F(SettleBesideAnother, ClosingGoesOnRightBehindTheirRemovals) {
  put_parts(16, megabyte / 16);
  theirs().put_segment(segment_, wal_bytes(start, end));
  let_them_remove_just_ahead();
  settle_ours(SettleTask::Kind::close);
  expect_whole_alone();
}

TEST_F(SettleBesideAnother, MergingEndsWhenTheyCloseTheSegment) {
  put_parts(most_parts + 6, 8192);
  storage_.before_open([&] { archive_theirs(); });
  settle_ours(SettleTask::Kind::merge);
  expect_whole_alone();
}

TEST_F(SettleBesideAnother, NoMergedPartIsLeftBesideAWholeSegment) {
  put_parts(most_parts + 6, 8192);
  theirs().put_segment(segment_, wal_bytes(start, end));  // and they have not come to the parts
  settle_ours(SettleTask::Kind::merge);
  expect_whole_alone();
}

TEST_F(SettleBesideAnother, WalThatIsReallyMissingIsStillTold) {
  put_parts(16, megabyte / 16);
  theirs().remove(theirs().parts_of(segment_)[3].object);
  try {
    settle_ours(SettleTask::Kind::close);
    FAIL() << "it was settled";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
    EXPECT_EQ(std::string(error.what()).find("WAL is missing from"), 0U) << error.what();
  }
}

}  // namespace
}  // namespace backup_engine::wal
