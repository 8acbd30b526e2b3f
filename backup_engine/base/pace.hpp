// Keeps work, of one thread or several, to a number of bytes per second: the waiting that a RateLimit asks for.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>

#include "backup_engine/base/rate_limit.hpp"

namespace backup_engine::base {

class Pace {
 public:
  using Clock = RateLimit::Clock;
  // Before each wait, with how long it will be; from the thread that waits. May be empty.
  using OnWait = std::function<void(Clock::duration)>;

  // 0 bytes per second: no limit.
  explicit Pace(std::uint64_t bytes_per_second, OnWait on_wait = {});
  // For tests: another clock, and another way to let its time pass.
  struct Time {
    std::function<Clock::time_point()> now;
    std::function<void(Clock::time_point until, const std::stop_token& stop)> wait;
  };
  Pace(std::uint64_t bytes_per_second, OnWait on_wait, Time time);

  // `bytes` are taken: blocks until they may be. Throws Error(interrupted) soon after `stop` was requested.
  // Thread-safe: all callers share one limit.
  void take(std::uint64_t bytes, const std::stop_token& stop);

 private:
  std::mutex mutex_;
  RateLimit limit_;
  OnWait on_wait_;
  Time time_;
};

}  // namespace backup_engine::base
