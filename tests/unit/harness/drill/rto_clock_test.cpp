#include "harness/drill/rto_clock.hpp"

#include <gtest/gtest.h>

namespace harness::drill {
namespace {

TEST(RtoClock, CountsWhatWasSpentBeforeItWasMade) {
  RtoClock clock(2.5);
  clock.end_phases({{"detect", 0.0}});
  clock.end_phase("provision");
  ASSERT_EQ(clock.phases().size(), 2U);
  EXPECT_EQ(clock.phases()[0].started_at, backup_engine::base::to_rfc3339(clock.started_at()));
  EXPECT_EQ(clock.phases()[1].started_at, clock.phases()[0].started_at);
  EXPECT_GE(clock.phases()[1].seconds, 2.5);
}

TEST(RtoClock, BeginsAPhaseWhereThoseOfKnownLengthEnd) {
  RtoClock clock;
  clock.end_phases({{"fetch", 1.0}, {"restore", 2.0}});
  clock.end_phase("next");
  EXPECT_EQ(clock.phases()[2].started_at,
            backup_engine::base::to_rfc3339(clock.started_at() + std::chrono::seconds(3)));
}

}  // namespace
}  // namespace harness::drill
