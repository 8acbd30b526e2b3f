#include "backup_engine/base/rate_limit.hpp"

#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"

namespace backup_engine::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr RateLimit::Clock::time_point start{seconds(1000)};

TEST(RateLimit, LetsBytesThroughAtItsRate) {
  RateLimit limit(1'000'000);
  auto now = start;
  std::uint64_t taken = 0;
  while (now < start + seconds(10)) {
    now += limit.take(100'000, now) + milliseconds(1);
    taken += 100'000;
  }
  EXPECT_GE(taken, 9'500'000U);
  EXPECT_LE(taken, 10'400'000U);
}

TEST(RateLimit, SavesUpAQuarterOfASecondAtMost) {
  RateLimit limit(1'000'000);
  EXPECT_EQ(limit.take(250'000, start), RateLimit::Clock::duration::zero());
  EXPECT_GT(limit.take(100'000, start), milliseconds(99));
  const auto later = start + seconds(3600);
  EXPECT_EQ(limit.take(250'000, later), RateLimit::Clock::duration::zero());
  EXPECT_GT(limit.take(1'000'000, later), milliseconds(999));
}

TEST(RateLimit, ZeroIsNoLimit) {
  RateLimit limit(0);
  EXPECT_EQ(limit.take(~std::uint64_t{0}, start), RateLimit::Clock::duration::zero());
}

TEST(ParseRate, KnowsUnitsInPowersOfAThousand) {
  EXPECT_EQ(parse_rate("1000000"), 1'000'000U);
  EXPECT_EQ(parse_rate("500kB"), 500'000U);
  EXPECT_EQ(parse_rate("1.5MB"), 1'500'000U);
  EXPECT_EQ(parse_rate("2GB"), 2'000'000'000U);
}

TEST(ParseRate, RefusesWhatIsNoneOrCannotBeKept) {
  for (const char* text :
       {"", "MB", "-1MB", "10 MB", "10mb", "10MiB", "0", "999B", "1e9", "nan", "inf", "99999999GB"}) {
    EXPECT_THROW((void)parse_rate(text), Error) << text;
  }
}

}  // namespace
}  // namespace backup_engine::base
