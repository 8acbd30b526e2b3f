#include "backup_engine/wal/segments_ahead.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <set>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {
namespace {

using postgres::TimelineId;
using postgres::WalSegment;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr TimelineId one{1};

// An archive of segments, each of one byte, that notes what was read of it.
class Ahead : public testing::Test {
 protected:
  std::optional<SegmentsAhead::Bytes> read(const WalSegment& segment) {
    const std::lock_guard lock(mutex_);
    read_.push_back(segment.number);
    if (damaged_.contains(segment.number)) throw base::Error(base::ErrorKind::corrupt, "damaged");
    if (segment.number >= end_) return std::nullopt;
    return SegmentsAhead::Bytes{static_cast<std::byte>(segment.number)};
  }
  [[nodiscard]] SegmentsAhead ahead(unsigned count) {
    return {count, [this](const WalSegment& segment) { return read(segment); }};
  }
  void wait_until_read(std::size_t count) {
    base::poll_until(base::Deadline::after(std::chrono::seconds(30)), "segments to be read",
                     [&]() -> std::optional<std::string> {
                       const auto done = numbers().size();
                       return done >= count ? std::nullopt : std::optional(std::to_string(done));
                     });
  }
  [[nodiscard]] std::vector<std::uint64_t> numbers() {
    const std::lock_guard lock(mutex_);
    return read_;
  }
  static std::optional<int> taken(SegmentsAhead& ahead, std::uint64_t number, TimelineId timeline = one) {
    const auto bytes = ahead.take({timeline, number});
    return bytes ? std::optional(std::to_integer<int>(bytes->at(0))) : std::nullopt;
  }

  std::uint64_t end_ = 100;
  std::set<std::uint64_t> damaged_;

 private:
  std::mutex mutex_;
  std::vector<std::uint64_t> read_;
};

TEST_F(Ahead, ReadsSoManyBehindTheLastAndGivesEachOnce) {
  auto segments = ahead(2);
  segments.go_on_behind({one, 3});
  wait_until_read(2);
  EXPECT_EQ(taken(segments, 5), 5);
  EXPECT_EQ(taken(segments, 5), std::nullopt);
  segments.go_on_behind({one, 5});
  wait_until_read(4);
  EXPECT_EQ(taken(segments, 7), 7);
  EXPECT_EQ(taken(segments, 4), std::nullopt) << "it lay before what is wanted now";
  EXPECT_THAT(numbers(), ElementsAre(4, 5, 6, 7));
}

TEST_F(Ahead, ReadsNothingBeforeItIsToldTo) {
  auto segments = ahead(4);
  EXPECT_EQ(taken(segments, 1), std::nullopt);
  EXPECT_THAT(numbers(), IsEmpty());
}

TEST_F(Ahead, EndsWhereNothingIsThereAndLooksAgainWhenItGoesOn) {
  end_ = 5;
  auto segments = ahead(4);
  segments.go_on_behind({one, 3});
  wait_until_read(2);
  EXPECT_EQ(taken(segments, 5), std::nullopt);
  EXPECT_EQ(taken(segments, 4), 4);
  segments.go_on_behind({one, 4});
  wait_until_read(3);
  EXPECT_EQ(taken(segments, 5), std::nullopt);
  EXPECT_THAT(numbers(), ElementsAre(4, 5, 5));
}

TEST_F(Ahead, HoldsNothingOfWhatCouldNotBeRead) {
  damaged_ = {4};
  auto segments = ahead(4);
  segments.go_on_behind({one, 3});
  wait_until_read(1);
  EXPECT_EQ(taken(segments, 4), std::nullopt);
  EXPECT_EQ(taken(segments, 5), std::nullopt);
}

TEST_F(Ahead, AnotherTimelinesSegmentIsAnotherOne) {
  auto segments = ahead(1);
  segments.go_on_behind({one, 3});
  wait_until_read(1);
  EXPECT_EQ(taken(segments, 4, TimelineId(2)), std::nullopt);
  EXPECT_EQ(taken(segments, 4), 4);
}

TEST_F(Ahead, OneThatIsBeingReadIsWaitedFor) {
  std::latch began(1), goes_on(1);
  SegmentsAhead segments(1, [&](const WalSegment& segment) {
    began.count_down();
    goes_on.wait();
    return read(segment);
  });
  segments.go_on_behind({one, 3});
  began.wait();
  std::jthread later([&] { goes_on.count_down(); });
  EXPECT_EQ(taken(segments, 4), 4);
}

TEST_F(Ahead, NoneAtAllIsFine) {
  auto segments = ahead(0);
  segments.go_on_behind({one, 3});
  EXPECT_EQ(taken(segments, 4), std::nullopt);
  EXPECT_THAT(numbers(), IsEmpty());
}

}  // namespace
}  // namespace backup_engine::wal
