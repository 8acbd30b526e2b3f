#include "harness/measure/spread.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace harness::measure {
namespace {

using reports::record::Rto;

constexpr double infinity = std::numeric_limits<double>::infinity();
const double no_number = std::nan("");

std::vector<double> one_to(int count) {
  std::vector<double> samples;
  for (int i = count; i > 0; --i) samples.push_back(i);
  return samples;
}

TEST(MedianOf, IsTheMiddleOrTheMeanOfTheTwoInTheMiddle) {
  EXPECT_EQ(median_of({3, 1, 2}), 2.0);
  EXPECT_EQ(median_of({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median_of({7}), 7.0);
  EXPECT_FALSE(median_of({}).has_value());
  EXPECT_EQ(median_of({no_number, 5, infinity}), 5.0);
  EXPECT_FALSE(median_of({no_number}).has_value());
}

TEST(SpreadOf, HasTheSamplesInAnyOrder) {
  const auto spread = spread_of("restore", {4, 2, 9});
  ASSERT_TRUE(spread);
  EXPECT_EQ(spread->name, "restore");
  EXPECT_EQ(spread->samples, 3U);
  EXPECT_EQ(spread->minimum_seconds, 2);
  EXPECT_EQ(spread->median_seconds, 4);
  EXPECT_EQ(spread->percentile_95_seconds, 9);
  EXPECT_EQ(spread->maximum_seconds, 9);
  EXPECT_DOUBLE_EQ(spread->standard_deviation_seconds.value(), std::sqrt(13.0)) << "9 + 1 + 16 = 26, over n - 1 = 2";
}

TEST(SpreadOf, TakesThe95thPercentileByNearestRank) {
  EXPECT_EQ(spread_of("", one_to(19))->percentile_95_seconds, 19) << "with fewer than 20 samples the maximum";
  EXPECT_EQ(spread_of("", one_to(20))->percentile_95_seconds, 19);
  EXPECT_EQ(spread_of("", one_to(21))->percentile_95_seconds, 20);
  EXPECT_EQ(spread_of("", one_to(100))->percentile_95_seconds, 95);
}

TEST(SpreadOf, OfOneSampleHasNoDeviation) {
  const auto spread = spread_of("restore", {1.5});
  ASSERT_TRUE(spread);
  EXPECT_EQ(spread->minimum_seconds, 1.5);
  EXPECT_EQ(spread->percentile_95_seconds, 1.5);
  EXPECT_FALSE(spread->standard_deviation_seconds.has_value());
}

TEST(SpreadOf, OfEqualSamplesDeviatesByNothing) {
  EXPECT_EQ(spread_of("restore", {0, 0, 0})->standard_deviation_seconds, 0.0);
}

TEST(SpreadOf, LeavesOutWhatIsNoNumber) {
  EXPECT_EQ(spread_of("restore", {no_number, 2, -infinity, 3})->samples, 2U);
  EXPECT_FALSE(spread_of("restore", {no_number, infinity}).has_value());
  EXPECT_FALSE(spread_of("restore", {}).has_value());
}

Rto times(double restore, std::optional<double> writable) {
  Rto rto;
  rto.phases = {{"restore", "", restore, {}}, {"replay", "", 2 * restore, {}}};
  rto.writable_seconds = writable;
  return rto;
}

TEST(SpreadOfPhases, HasEachPhaseInItsOrderAndNotTheVerification) {
  auto last = times(3, 9);
  last.phases.push_back({"verified", "", 60, {}});
  const auto spreads = spread_of_phases({times(1, 3), times(2, 6), last});
  ASSERT_EQ(spreads.size(), 2U);
  EXPECT_EQ(spreads[0].name, "restore");
  EXPECT_EQ(spreads[0].median_seconds, 2);
  EXPECT_EQ(spreads[1].name, "replay");
  EXPECT_EQ(spreads[1].maximum_seconds, 6);
  EXPECT_TRUE(spread_of_phases({}).empty());
}

TEST(SpreadOfPhases, SaysHowManyRepeatsHadAPhase) {
  auto without = times(1, 3);
  without.phases.pop_back();
  const auto spreads = spread_of_phases({without, times(2, 6)});
  ASSERT_EQ(spreads.size(), 2U);
  EXPECT_EQ(spreads[0].samples, 2U);
  EXPECT_EQ(spreads[1].samples, 1U);
}

TEST(SpreadOfMilestones, HasThoseThatWereReached) {
  const auto spreads = spread_of_milestones({times(1, 3), times(2, std::nullopt), times(3, 9)});
  ASSERT_EQ(spreads.size(), 1U);
  EXPECT_EQ(spreads[0].name, "writable");
  EXPECT_EQ(spreads[0].samples, 2U);
  EXPECT_EQ(spreads[0].median_seconds, 6);
}

}  // namespace
}  // namespace harness::measure
