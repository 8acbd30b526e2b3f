#include "harness/measure/extrapolation.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace harness::measure {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::uint64_t gigabyte = 1'000'000'000;

// 1 GB in 4 s, 200 MB of WAL in 2 s, 3 s of everything else.
MeasuredRestore one_gigabyte() {
  return {gigabyte, 2 * gigabyte, 4, gigabyte / 5, 2, 9};
}

TEST(Extrapolate, LetsBytesAndWalGrowAndKeepsTheRest) {
  const auto found = extrapolate({one_gigabyte()}, 10 * gigabyte);
  EXPECT_EQ(found.size_bytes, 10 * gigabyte);
  EXPECT_DOUBLE_EQ(found.factor.value(), 10);
  EXPECT_DOUBLE_EQ(found.transfer_seconds.value(), 40);
  EXPECT_DOUBLE_EQ(found.replay_seconds.value(), 20);
  EXPECT_DOUBLE_EQ(found.constant_seconds.value(), 3);
  EXPECT_DOUBLE_EQ(found.rto_seconds.value(), 63);
  EXPECT_EQ(found.lowest_seconds, found.rto_seconds);
  EXPECT_EQ(found.highest_seconds, found.rto_seconds);
  EXPECT_THAT(found.caveat, StartsWith("10.0 GB is 10 times what was measured (1.0 GB)."));
  EXPECT_THAT(found.caveat, HasSubstr("to 2.0 GB; each GB of it more or less is 10.0 s"));
}

TEST(Extrapolate, AtTheMeasuredSizeIsWhatWasMeasured) {
  const auto found = extrapolate({one_gigabyte()}, gigabyte);
  EXPECT_DOUBLE_EQ(found.rto_seconds.value(), 9);
  EXPECT_THAT(found.caveat, HasSubstr("no larger than what was measured"));
}

TEST(Extrapolate, BelowTheMeasuredSizeKeepsWhatDoesNotShrink) {
  const auto found = extrapolate({one_gigabyte()}, gigabyte / 100);
  EXPECT_DOUBLE_EQ(found.factor.value(), 0.01);
  EXPECT_DOUBLE_EQ(found.rto_seconds.value(), 3.06);
  EXPECT_THAT(found.caveat, HasSubstr("10.0 MB is less than a tenth of what was measured"));
}

TEST(Extrapolate, TakesTheMedianOverTheRepeatsWithBothEnds) {
  auto slow = one_gigabyte(), slowest = one_gigabyte();
  slow.transfer_seconds = 5;
  slow.rto_seconds = 10;
  slowest.transfer_seconds = 9;
  slowest.rto_seconds = 14;
  const auto three = extrapolate({slowest, one_gigabyte(), slow}, 10 * gigabyte);
  EXPECT_DOUBLE_EQ(three.rto_seconds.value(), 73);
  EXPECT_DOUBLE_EQ(three.lowest_seconds.value(), 63);
  EXPECT_DOUBLE_EQ(three.highest_seconds.value(), 113);
  const auto two = extrapolate({one_gigabyte(), slow}, 10 * gigabyte);
  EXPECT_DOUBLE_EQ(two.rto_seconds.value(), 68);
  EXPECT_DOUBLE_EQ(*two.transfer_seconds + *two.replay_seconds + *two.constant_seconds, *two.rto_seconds);
}

TEST(Extrapolate, SpeaksThePlainerTheFurther) {
  const auto caveat = [](std::uint64_t size) { return extrapolate({one_gigabyte()}, size).caveat; };
  EXPECT_THAT(caveat(3 * gigabyte / 2), HasSubstr("close to what was measured"));
  EXPECT_THAT(caveat(5 * gigabyte), HasSubstr("if the rates stay the same"));
  EXPECT_THAT(caveat(50 * gigabyte), HasSubstr("A rough estimate"));
  EXPECT_THAT(caveat(2100 * gigabyte),
              HasSubstr("2.1 TB is 2100 times what was measured (1.0 GB). An order of magnitude"));
}

TEST(Extrapolate, LeavesOutAReplayThatTellsNoRate) {
  auto idle = one_gigabyte();
  idle.replayed_wal_bytes = 0;
  const auto nothing_replayed = extrapolate({idle}, 10 * gigabyte);
  EXPECT_EQ(nothing_replayed.replay_seconds, 0.0);
  EXPECT_DOUBLE_EQ(nothing_replayed.constant_seconds.value(), 5);
  EXPECT_THAT(nothing_replayed.caveat, HasSubstr("the true RTO is longer"));
  auto instant = one_gigabyte();
  instant.replay_seconds = 0;
  EXPECT_THAT(extrapolate({instant}, gigabyte).caveat, HasSubstr("the true RTO is longer"));
}

TEST(Extrapolate, DoubtsAReplayTooShortToMeasure) {
  auto brief = one_gigabyte();
  brief.replay_seconds = 0.004;
  EXPECT_THAT(extrapolate({brief}, gigabyte).caveat, HasSubstr("Replay took 4.0 ms when it was measured: too short"));
  EXPECT_THAT(extrapolate({one_gigabyte()}, gigabyte).caveat, Not(HasSubstr("too short")));
}

void expect_none(const std::vector<MeasuredRestore>& restores, std::uint64_t size) {
  const auto found = extrapolate(restores, size);
  EXPECT_EQ(found.size_bytes, size);
  EXPECT_FALSE(found.factor || found.rto_seconds || found.lowest_seconds || found.highest_seconds);
  EXPECT_FALSE(found.transfer_seconds || found.replay_seconds || found.constant_seconds);
  EXPECT_THAT(found.caveat, StartsWith("Not extrapolated: "));
}

TEST(Extrapolate, RefusesWhatTellsNoRate) {
  expect_none({}, gigabyte);
  expect_none({MeasuredRestore{}}, gigabyte);
  expect_none({one_gigabyte()}, 0);
  auto broken = one_gigabyte();
  broken.database_bytes = 0;
  expect_none({broken}, gigabyte);
  broken = one_gigabyte();
  broken.restored_bytes = 0;
  expect_none({broken}, gigabyte);
  for (const double seconds : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    broken = one_gigabyte();
    broken.transfer_seconds = seconds;
    expect_none({broken}, gigabyte);
    broken = one_gigabyte();
    broken.rto_seconds = seconds;
    expect_none({broken}, gigabyte);
  }
}

TEST(Extrapolate, LeavesOutTheRepeatThatTellsNoRate) {
  auto broken = one_gigabyte();
  broken.transfer_seconds = 0;
  EXPECT_DOUBLE_EQ(extrapolate({broken, one_gigabyte()}, 10 * gigabyte).rto_seconds.value(), 63);
}

TEST(Extrapolate, NeverMakesTheRestNegativeAndStaysFiniteAtTheEnds) {
  auto set_back = one_gigabyte();
  set_back.rto_seconds = 1;
  EXPECT_EQ(extrapolate({set_back}, gigabyte).constant_seconds, 0.0);
  constexpr auto all = std::numeric_limits<std::uint64_t>::max();
  auto smallest = one_gigabyte();
  smallest.database_bytes = 1;
  EXPECT_TRUE(std::isfinite(extrapolate({smallest}, all).rto_seconds.value()));
  EXPECT_THAT(extrapolate({smallest}, all).caveat, HasSubstr("more than 1000 PB"));
  auto largest = one_gigabyte();
  largest.database_bytes = all;
  EXPECT_THAT(extrapolate({largest}, 1).caveat, HasSubstr("1 B is less than a tenth of what was measured"));
}

TEST(Rates, AreMediansOfTheRestoresThatTellOne) {
  auto fast = one_gigabyte(), broken = one_gigabyte();
  fast.transfer_seconds = 2;
  fast.replay_seconds = 1;
  broken.transfer_seconds = 0;
  broken.replay_seconds = 0;
  EXPECT_DOUBLE_EQ(restore_rate({one_gigabyte(), fast, broken}).value(), 0.75e9);
  EXPECT_DOUBLE_EQ(replay_rate({one_gigabyte(), fast, broken}).value(), 0.15e9);
  EXPECT_FALSE(restore_rate({broken}).has_value());
  EXPECT_FALSE(replay_rate({}).has_value());
}

TEST(MeasuredRestoreOf, IsWhatTheRecordSays) {
  reports::record::RestoreRecord restore;
  EXPECT_FALSE(measured_restore(restore).has_value());
  restore.size.database_bytes = 100;
  restore.volume.restored_bytes = 300;
  EXPECT_FALSE(measured_restore(restore).has_value()) << "no RTO was reached";
  restore.rto.writable_seconds = 9;
  restore.rto.phases = {{"provision", "", 1, {}}, {"fetch", "", 2, {}}, {"restore", "", 3, {}}, {"replay", "", 2, {}}};
  auto measured = measured_restore(restore);
  ASSERT_TRUE(measured);
  EXPECT_EQ(measured->transfer_seconds, 5);
  EXPECT_EQ(measured->replayed_wal_bytes, 0U);
  restore.volume.replayed_wal_bytes = 40;
  restore.volume.replay_seconds = 1.5;
  measured = measured_restore(restore);
  EXPECT_EQ(measured->database_bytes, 100U);
  EXPECT_EQ(measured->restored_bytes, 300U);
  EXPECT_EQ(measured->replayed_wal_bytes, 40U);
  EXPECT_EQ(measured->replay_seconds, 1.5);
  EXPECT_EQ(measured->rto_seconds, 9);
}

}  // namespace
}  // namespace harness::measure
