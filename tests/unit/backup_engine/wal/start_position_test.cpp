#include "backup_engine/wal/start_position.hpp"

#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {
namespace {

using postgres::Lsn;
using postgres::TimelineId;

constexpr TimelineId one{1}, two{2}, ten{10};

class ChooseStart : public testing::Test {
 protected:
  [[nodiscard]] StartFacts facts() const { return {held, server, history, slot, postgres::SegmentSize()}; }
  [[nodiscard]] StreamPosition start() const { return choose_start(facts()); }

  std::vector<WalRange> held;
  postgres::SystemIdentity server{42, one, Lsn(0x7654321)};
  std::vector<postgres::TimelineSwitch> history;
  postgres::SlotState slot;
};

TEST_F(ChooseStart, FirstTimeAtTheSegmentThatTheSlotReserved) {
  slot = {Lsn(0x5000028), one};
  EXPECT_EQ(start(), (StreamPosition{one, Lsn(0x5000000)}));
}

TEST_F(ChooseStart, FirstTimeOnTheSlotsTimeline) {
  server.timeline = two;
  slot = {Lsn(0x5000028), one};
  EXPECT_EQ(start(), (StreamPosition{one, Lsn(0x5000000)}));
}

TEST_F(ChooseStart, FirstTimeAtTheServersSegmentWhenTheSlotReservedNothing) {
  EXPECT_EQ(start(), (StreamPosition{one, Lsn(0x7000000)}));
}

TEST_F(ChooseStart, ResumesAtTheRepositorysOwnEndNotAtTheSlots) {
  held = {{one, Lsn(0x3000000), Lsn(0x4000123)}};
  slot = {Lsn(0x3000028), one};
  EXPECT_EQ(start(), (StreamPosition{one, Lsn(0x4000123)}));
}

TEST_F(ChooseStart, ResumesAfterTheLastHole) {
  held = {{one, Lsn(0x3000000), Lsn(0x4000000)}, {one, Lsn(0x6000000), Lsn(0x6000100)}};
  EXPECT_EQ(start(), (StreamPosition{one, Lsn(0x6000100)}));
}

TEST_F(ChooseStart, FinishesTheOldTimelineFirst) {
  held = {{one, Lsn(0x3000000), Lsn(0x4000100)}};
  server.timeline = two;
  history = {{one, Lsn(0x4000200), ""}};
  EXPECT_EQ(start(), (StreamPosition{one, Lsn(0x4000100)}));
}

TEST_F(ChooseStart, TakesTheNextTimelineFromTheSegmentInWhichItBranchesOff) {
  held = {{one, Lsn(0x3000000), Lsn(0x4000200)}};
  server.timeline = two;
  history = {{one, Lsn(0x4000200), ""}};
  EXPECT_EQ(start(), (StreamPosition{two, Lsn(0x4000000)}));
}

TEST_F(ChooseStart, TheNextTimelineIsTheHistorysNotPlusOne) {
  held = {{one, Lsn(0x3000000), Lsn(0x4000200)}};
  server.timeline = TimelineId(26);
  history = {{one, Lsn(0x4000200), ""}, {ten, Lsn(0x5000200), ""}};
  EXPECT_EQ(start(), (StreamPosition{ten, Lsn(0x4000000)}));
}

TEST_F(ChooseStart, FollowsAStandbyThatWasPromotedBehindWhatIsHeld) {
  held = {{one, Lsn(0x3000000), Lsn(0x6000200)}};
  server.timeline = two;
  history = {{one, Lsn(0x4000200), ""}};
  EXPECT_EQ(start(), (StreamPosition{two, Lsn(0x4000000)}));
}

TEST_F(ChooseStart, RefusesAServerThatWentAnotherWay) {
  held = {{two, Lsn(0x3000000), Lsn(0x4000200)}};
  EXPECT_THROW((void)start(), base::Error);
  server.timeline = TimelineId(3);
  history = {{one, Lsn(0x3000000), ""}};
  EXPECT_THROW((void)start(), base::Error);
}

TEST_F(ChooseStart, AfterALossGoesOnAtWhatTheSlotKeeps) {
  slot = {Lsn(0x6000028), one};
  EXPECT_EQ(choose_start_after_loss({one, Lsn(0x4000100)}, facts()), (StreamPosition{one, Lsn(0x6000000)}));
}

TEST_F(ChooseStart, AfterALossAlwaysGoesOnPastIt) {
  slot = {Lsn(0x4000028), one};
  EXPECT_EQ(choose_start_after_loss({one, Lsn(0x4000100)}, facts()).at, Lsn(0x7000000));
  server.flushed = Lsn(0x4000200);
  EXPECT_EQ(choose_start_after_loss({one, Lsn(0x4000100)}, facts()).at, Lsn(0x5000000));
}

}  // namespace
}  // namespace backup_engine::wal
