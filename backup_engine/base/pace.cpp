#include "backup_engine/base/pace.hpp"

#include <utility>

#include "backup_engine/base/deadline.hpp"

namespace backup_engine::base {

namespace {

Pace::Time real_time() {
  return {Pace::Clock::now, [](Pace::Clock::time_point until, const std::stop_token& stop) {
            poll_until(
                Deadline::never(), "the rate limit",
                [&]() -> std::optional<std::string> {
                  if (Pace::Clock::now() >= until) return std::nullopt;
                  return "held back";
                },
                stop);
          }};
}

}  // namespace

Pace::Pace(std::uint64_t bytes_per_second, OnWait on_wait) : Pace(bytes_per_second, std::move(on_wait), real_time()) {}

Pace::Pace(std::uint64_t bytes_per_second, OnWait on_wait, Time time)
    : limit_(bytes_per_second), on_wait_(std::move(on_wait)), time_(std::move(time)) {}

void Pace::take(std::uint64_t bytes, const std::stop_token& stop) {
  Clock::time_point now;
  Clock::duration wait;
  {
    const std::lock_guard lock(mutex_);
    now = time_.now();
    wait = limit_.take(bytes, now);
  }
  if (wait == Clock::duration::zero()) return;
  if (on_wait_) on_wait_(wait);
  time_.wait(now + wait, stop);
}

}  // namespace backup_engine::base
