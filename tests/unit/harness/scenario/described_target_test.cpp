#include "harness/scenario/described_target.hpp"

#include <gtest/gtest.h>

namespace harness::scenario {
namespace {

const Step load{LoadStep{Seconds(1), false}, {}};
const Step lasting_load{LoadStep{Seconds(1), true}, {}};
const Step backup{BackupStep{}, {}};
const Step mark{MarkStep{"mark"}, {}};
const Step later_mark{MarkStep{"later"}, {}};
const Step restore_point{RestorePointStep{"point"}, {}};
const Step harm{DisasterStep{"drop_table", "shop.orders"}, {}};

std::string mark_for(const RestoreTarget& target, std::vector<Step> timeline) {
  Scenario scenario;
  scenario.timeline = std::move(timeline);
  scenario.restore.kind = RestoreKind::pitr;
  scenario.restore.target = target;
  return mark_describing_target(scenario).value_or("none");
}

using Kind = TargetKind;
const std::string at_disaster(disaster_point);

TEST(MarkDescribingTarget, IsTheLastOneBehindTheLastBackupForTheEndOfWal) {
  EXPECT_EQ(mark_for({}, {backup, mark, load, later_mark, harm}), "later");
  EXPECT_EQ(mark_for({}, {mark, backup, harm}), "none");
  EXPECT_EQ(mark_for({}, {backup, mark, backup, harm}), "none");
}

TEST(MarkDescribingTarget, StandsDirectlyBeforeTheBackupForItsOwnPoint) {
  EXPECT_EQ(mark_for({Kind::immediate, "", true}, {load, mark, backup, lasting_load, harm}), "mark");
  EXPECT_EQ(mark_for({Kind::immediate, "", true}, {lasting_load, mark, backup, harm}), "none");
  EXPECT_EQ(mark_for({Kind::immediate, "", true}, {backup, mark, harm}), "none");
}

TEST(MarkDescribingTarget, IsTheMarkThatIsTheTarget) {
  const std::vector<Step> timeline{backup, lasting_load, mark, harm, load};
  EXPECT_EQ(mark_for({Kind::mark, "mark", true}, timeline), "mark");
  EXPECT_EQ(mark_for({Kind::time, "mark", true}, timeline), "mark");
  EXPECT_EQ(mark_for({Kind::time, "mark", false}, timeline), "mark");
}

TEST(MarkDescribingTarget, IsReachedByItsLsnOnlyExclusively) {
  EXPECT_EQ(mark_for({Kind::lsn, "mark", false}, {backup, load, mark, harm}), "mark");
  EXPECT_EQ(mark_for({Kind::lsn, "mark", true}, {backup, load, mark, harm}), "none");
}

TEST(MarkDescribingTarget, IsReachedByTheLastXidBeforeItOnlyInclusively) {
  EXPECT_EQ(mark_for({Kind::xid, "mark", true}, {backup, load, mark, harm}), "mark");
  EXPECT_EQ(mark_for({Kind::xid, "mark", false}, {backup, load, mark, harm}), "none");
}

TEST(MarkDescribingTarget, StandsBeforeTheDisasterWithNothingWrittenBetween) {
  for (const auto kind : {Kind::time, Kind::lsn, Kind::xid}) {
    const RestoreTarget target{kind, at_disaster, false};
    EXPECT_EQ(mark_for(target, {backup, load, mark, harm, load}), "mark");
    EXPECT_EQ(mark_for(target, {backup, load, mark, restore_point, backup, harm}), "mark");
    EXPECT_EQ(mark_for(target, {backup, mark, load, harm}), "none");
    EXPECT_EQ(mark_for(target, {backup, lasting_load, mark, harm}), "none");
    EXPECT_EQ(mark_for(target, {backup, load, harm, mark}), "none");
  }
}

TEST(MarkDescribingTarget, IsNoneForTheDisasterItself) {
  for (const auto kind : {Kind::time, Kind::lsn, Kind::xid}) {
    EXPECT_EQ(mark_for({kind, at_disaster, true}, {backup, load, mark, harm}), "none");
  }
}

TEST(MarkDescribingTarget, StandsNextToTheRestorePoint) {
  const RestoreTarget target{Kind::name, "point", true};
  EXPECT_EQ(mark_for(target, {backup, load, mark, restore_point, harm}), "mark");
  EXPECT_EQ(mark_for(target, {backup, load, restore_point, mark, harm}), "mark");
  EXPECT_EQ(mark_for(target, {backup, mark, load, restore_point, harm}), "none");
  EXPECT_EQ(mark_for(target, {backup, restore_point, load, mark, harm}), "none");
  EXPECT_EQ(mark_for(target, {backup, lasting_load, mark, restore_point, harm}), "none");
  EXPECT_EQ(mark_for(target, {backup, load, restore_point, harm, mark}), "none");
}

TEST(MarkDescribingTarget, TakesTheFirstOfSeveralRestorePointsOfOneName) {
  EXPECT_EQ(mark_for({Kind::name, "point", true}, {backup, restore_point, load, mark, restore_point, harm}), "none");
  EXPECT_EQ(mark_for({Kind::name, "point", true}, {backup, mark, restore_point, load, restore_point, harm}), "mark");
}

TEST(MarkDescribingTarget, LiesBehindABackup) {
  EXPECT_EQ(mark_for({Kind::name, "point", true}, {load, mark, backup, restore_point, harm}), "none");
}

TEST(MarkDescribingTarget, IsNoneWhenTheTimelineLacksThePoint) {
  EXPECT_EQ(mark_for({Kind::mark, "other", true}, {backup, mark, harm}), "none");
}

}  // namespace
}  // namespace harness::scenario
