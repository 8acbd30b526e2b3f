#include "harness/drill/rto_clock.hpp"

#include <gmock/gmock.h>

namespace harness::drill {
namespace {

using reports::record::Phase;
using std::chrono::seconds;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::Field;

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

TEST(RtoClock, LetsThePhasesOfARecoveryOverlapAsPostgresqlDoes) {
  RtoClock clock;
  restore::Milestones milestones;
  milestones.started = clock.started_at();
  milestones.consistent = milestones.started + seconds(1);
  milestones.readable = milestones.started + seconds(2);
  milestones.replayed = milestones.started + seconds(5);
  milestones.writable = milestones.started + seconds(6);
  clock.end_recovery(milestones);
  const auto near = [](double value) { return DoubleNear(value, 1e-6); };
  EXPECT_THAT(clock.phases(), ElementsAre(AllOf(Field(&Phase::name, "replay"), Field(&Phase::seconds, near(5))),
                                          AllOf(Field(&Phase::name, "consistent"), Field(&Phase::seconds, near(1))),
                                          AllOf(Field(&Phase::name, "readable"), Field(&Phase::seconds, near(2))),
                                          AllOf(Field(&Phase::name, "writable"), Field(&Phase::seconds, near(4)))));
}

TEST(RtoClock, CountsNothingToReplayAsReachedWhenTheServerAnswers) {
  RtoClock clock;
  restore::Milestones milestones;
  milestones.started = clock.started_at();
  milestones.readable = milestones.started + seconds(2);
  milestones.writable = milestones.started + seconds(3);
  clock.end_recovery(milestones);
  EXPECT_NEAR(clock.phases()[0].seconds, 2, 1e-6);
  EXPECT_NEAR(clock.phases()[1].seconds, 2, 1e-6);
}

}  // namespace
}  // namespace harness::drill
