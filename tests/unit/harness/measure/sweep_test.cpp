#include "harness/measure/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::measure {
namespace {

namespace record = reports::record;
using record::SweepEvidence;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

record::CommitOrderEvidence three_commits() {
  record::CommitOrderEvidence order;
  order.witness = "pg_receivewal";
  order.records = {{"0/200", "0/240", 701, {}, "2026-11-20T02:15:01.000000Z", 1, true},
                   {"0/240", "0/280", 999, {}, "2026-11-20T02:15:02.000000Z", 1, false},
                   {"0/300", "0/340", 702, {}, "2026-11-20T02:15:03.000000Z", 1, true},
                   {"0/400", "0/440", 703, {}, "2026-11-20T02:15:04.000000Z", 1, true}};
  // Of another restore.
  order.reached_lsn = "0/440";
  order.at_target = record::RecordPlace{"0/500", "0/540"};
  order.acknowledged_lsn = "0/800";
  return order;
}

std::vector<record::LedgerTransaction> ledger() {
  std::vector<record::LedgerTransaction> transactions(3);
  for (std::size_t i = 0; i < 3; ++i) {
    transactions[i].id = static_cast<std::int64_t>(i + 1);
    transactions[i].xid = 701 + i;
    transactions[i].outcome = record::LedgerOutcome::acknowledged;
  }
  return transactions;
}

const std::vector<record::BackupRecord>& backups() {
  static const auto made = [] {
    record::BackupRecord backup;
    backup.label = "first";
    backup.start_lsn = "0/100";
    backup.stop_lsn = "0/180";
    return std::vector{backup};
  }();
  return made;
}

SweepEvidence::Point prefix(const std::string& position, std::vector<std::uint64_t> appeared) {
  SweepEvidence::Point point;
  point.boundary = "after_commit";
  point.way = "shared";
  point.position = point.served = point.reached_lsn = position;
  point.outcome = "recovered";
  point.appeared = std::move(appeared);
  return point;
}

SweepEvidence::Point by_lsn(const std::string& value, bool inclusive, const std::string& reached) {
  auto point = prefix(reached, {});
  point.way = "own";
  point.position.clear();
  point.target_type = "lsn";
  point.target_value = value;
  point.inclusive = inclusive;
  point.backup_label = "first";
  return point;
}

MeasuredSweep measured(std::vector<SweepEvidence::Point> points) {
  SweepEvidence evidence;
  evidence.points = std::move(points);
  return measure_sweep(evidence, three_commits(), ledger(), backups());
}

TEST(MeasureSweep, FollowsWhatAppearsFromPointToPoint) {
  const auto found =
      measured({prefix("0/200", {}), prefix("0/240", {701}), prefix("0/340", {702}), prefix("0/440", {703})});
  EXPECT_EQ(found.sweep.planned, 4U);
  EXPECT_EQ(found.sweep.judged, 4U);
  EXPECT_EQ(found.sweep.met, 4U);
  EXPECT_THAT(found.findings, IsEmpty());
  const auto& third = found.sweep.points[2];
  EXPECT_EQ(third.expected, 2U);
  EXPECT_EQ(third.lsn, "0/340");
  EXPECT_EQ(third.xid, "702");
  EXPECT_EQ(third.time, "2026-11-20T02:15:03.000000Z");
  EXPECT_EQ(third.target.type, "prefix");
}

TEST(MeasureSweep, NamesACommitThatIsMissingWithItsXidLsnAndTime) {
  const auto found = measured({prefix("0/240", {701}), prefix("0/340", {}), prefix("0/440", {702, 703})});
  EXPECT_EQ(found.sweep.met, 2U);
  EXPECT_EQ(found.sweep.points[1].missing, 1U);
  EXPECT_EQ(found.sweep.points[1].met, false);
  ASSERT_THAT(found.findings, SizeIs(1));
  EXPECT_EQ(found.findings[0].xid, "702");
  EXPECT_EQ(found.findings[0].lsn, "0/300");
  EXPECT_EQ(found.findings[0].time, "2026-11-20T02:15:03.000000Z");
  EXPECT_THAT(found.findings[0].object, HasSubstr("0/340"));
}

TEST(MeasureSweep, NamesACommitThatIsThereTooEarly) {
  const auto found = measured({prefix("0/240", {701, 702}), prefix("0/340", {})});
  EXPECT_EQ(found.sweep.points[0].extra, 1U);
  EXPECT_EQ(found.sweep.points[0].met, false);
  EXPECT_EQ(found.sweep.points[1].met, true);
  ASSERT_THAT(found.findings, SizeIs(1));
  EXPECT_EQ(found.findings[0].xid, "702");
}

// The old timeline may have been left right behind a commit; where the new one has none yet, only the timeline tells.
TEST(MeasureSweep, FailsAPointBehindAForkThatWasReachedOnTheTimelineThatWasLeft) {
  auto order = three_commits();
  order.line = {{1, "0/280"}, {2, ""}};
  SweepEvidence evidence;
  evidence.points = {prefix("0/280", {701}), prefix("0/300", {})};
  evidence.points[0].reached_timeline = 1;
  evidence.points[1].reached_timeline = 2;
  EXPECT_THAT(measure_sweep(evidence, order, ledger(), backups()).findings, IsEmpty());
  evidence.points[1].reached_timeline = 1;
  const auto found = measure_sweep(evidence, order, ledger(), backups());
  EXPECT_EQ(found.sweep.points[0].met, true);
  EXPECT_EQ(found.sweep.points[1].met, false);
  ASSERT_THAT(found.findings, SizeIs(1));
  EXPECT_THAT(found.findings[0].text, HasSubstr("on timeline 1"));
}

TEST(MeasureSweep, NamesACommitThatGoesAgain) {
  auto later = prefix("0/340", {702});
  later.vanished = {701};
  const auto found = measured({prefix("0/240", {701}), later});
  ASSERT_THAT(found.findings, SizeIs(1));
  EXPECT_EQ(found.findings[0].xid, "701");
}

TEST(MeasureSweep, CountsARowThatIsThereTwice) {
  const auto found = measured({prefix("0/240", {701, 701})});
  EXPECT_EQ(found.sweep.points[0].extra, 1U);
  EXPECT_EQ(found.sweep.points[0].met, false);
  ASSERT_THAT(found.findings, SizeIs(1));
  EXPECT_THAT(found.findings[0].text, HasSubstr("more than once"));
}

TEST(MeasureSweep, IsNotMetWhereRecoveryEndedElsewhereByLuckWithoutHarm) {
  auto point = prefix("0/240", {701});
  point.reached_lsn = "0/2C0";
  const auto found = measured({point});
  EXPECT_EQ(found.sweep.points[0].met, false);
  ASSERT_THAT(found.findings, SizeIs(1));
  EXPECT_THAT(found.findings[0].text, HasSubstr("0/2C0"));
}

TEST(MeasureSweep, IsNotMetOnAnotherTimeline) {
  auto point = prefix("0/240", {701});
  point.reached_timeline = 2;
  const auto found = measured({point});
  EXPECT_EQ(found.sweep.points[0].met, false);
  ASSERT_THAT(found.findings, SizeIs(1));
  EXPECT_THAT(found.findings[0].text, HasSubstr("timeline 2"));
}

TEST(MeasureSweep, HoldsATargetToItsOwnRules) {
  auto exclusive = by_lsn("0/300", false, "0/300");
  exclusive.appeared = {701};
  auto inclusive = by_lsn("0/300", true, "0/340");
  inclusive.appeared = {702};
  const auto found = measured({exclusive, inclusive});
  EXPECT_EQ(found.sweep.met, 2U);
  EXPECT_EQ(found.sweep.points[0].expected, 1U);
  EXPECT_EQ(found.sweep.points[1].expected, 2U);
  auto wrong = by_lsn("0/300", false, "0/340");
  wrong.appeared = {701, 702};
  EXPECT_EQ(measured({wrong}).sweep.points[0].extra, 1U);
}

TEST(MeasureSweep, DoesNotJudgeWhatWasNotLookedAt) {
  auto unseen = prefix("0/340", {});
  unseen.outcome.clear();
  unseen.why = "it had ended before";
  const auto found = measured({prefix("0/240", {701}), unseen});
  EXPECT_EQ(found.sweep.planned, 2U);
  EXPECT_EQ(found.sweep.judged, 1U);
  EXPECT_EQ(found.sweep.points[1].met, std::nullopt);
  EXPECT_EQ(found.sweep.points[1].why, "it had ended before");
}

TEST(MeasureSweep, CountsARecoveryThatCameToNothingAsNotMet) {
  auto failed = prefix("0/340", {});
  failed.outcome = "failed";
  failed.why = "recovery failed: invalid page";
  const auto found = measured({failed});
  EXPECT_EQ(found.sweep.points[0].met, false);
  ASSERT_THAT(found.findings, SizeIs(1));
  EXPECT_THAT(found.findings[0].text, HasSubstr("invalid page"));
  auto refused = by_lsn("0/300", false, "");
  refused.outcome = "failed";
  refused.backup_label.clear();
  refused.target_type = "xid";
  refused.target_value = "9999";
  refused.why = "no such transaction";
  const auto also = measured({refused});
  EXPECT_EQ(also.sweep.points[0].met, false) << "also where nothing was restored, and no position is known";
  ASSERT_THAT(also.findings, SizeIs(1));
  EXPECT_THAT(also.findings[0].text, HasSubstr("no such transaction"));
}

}  // namespace
}  // namespace harness::measure
