#include "backup_engine/base/pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include "backup_engine/base/error.hpp"

namespace backup_engine::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Pace::Clock::time_point start{seconds(1000)};

TEST(Pace, KeepsToItsRateByAClockThatOnlyItsWaitsMove) {
  auto now = start;
  Pace pace(1'000'000, {}, {[&] { return now; }, [&](Pace::Clock::time_point until, const auto&) { now = until; }});
  for (int i = 0; i < 100; ++i) pace.take(100'000, {});
  EXPECT_EQ(now, start + seconds(10) - milliseconds(250));  // ten megabytes, and what was saved up before the first
}

TEST(Pace, LetsThreadsShareOneRate) {
  constexpr int threads = 4, turns = 50;
  std::mutex mutex;
  auto last = start;
  Pace pace(1'000'000, {},
            {[] { return start; },
             [&](Pace::Clock::time_point until, const auto&) {
               const std::lock_guard lock(mutex);
               last = std::max(last, until);
             }});
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        for (int turn = 0; turn < turns; ++turn) pace.take(10'000, {});
      });
    }
  }
  EXPECT_EQ(last, start + seconds(2) - milliseconds(250));
}

TEST(Pace, SaysHowLongItWillWaitAndWaitsForNothingWithoutALimit) {
  std::vector<Pace::Clock::duration> said;
  const auto say = [&](Pace::Clock::duration wait) { said.push_back(wait); };
  const Pace::Time standing_still{[] { return start; }, [](Pace::Clock::time_point, const auto&) {}};
  Pace unlimited(0, say, standing_still);
  unlimited.take(~std::uint64_t{0}, {});
  EXPECT_TRUE(said.empty());
  Pace limited(1000, say, standing_still);
  limited.take(2250, {});
  EXPECT_EQ(said, std::vector<Pace::Clock::duration>{seconds(2)});
}

TEST(Pace, EndsItsWaitWhenInterrupted) {
  std::stop_source stop;
  Pace pace(1000, [&](Pace::Clock::duration) { stop.request_stop(); });
  try {
    pace.take(1'000'000'000'000, stop.get_token());  // thirty years
    FAIL() << "was not interrupted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::interrupted);
  }
}

}  // namespace
}  // namespace backup_engine::base
