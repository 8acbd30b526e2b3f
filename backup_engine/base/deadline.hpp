// A point in time by which a wait must end, and the one way to wait: poll_until. Nothing else sleeps.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace backup_engine::base {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] static Deadline after(Clock::duration duration) { return Deadline(Clock::now() + duration); }
  [[nodiscard]] static Deadline never() { return Deadline(Clock::time_point::max()); }

  [[nodiscard]] bool expired() const { return Clock::now() >= at_; }
  // Zero once expired; a day where there is none.
  [[nodiscard]] std::chrono::milliseconds remaining() const;

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

// Calls `look` until it returns nullopt (done), with back-off from 1 ms to 50 ms. What `look` returns otherwise is
// the value last seen, in words; on time-out an Error(timed_out) says `what` was awaited and that value. Throws
// Error(interrupted) soon after `stop` was requested; blocks until then at most.
void poll_until(const Deadline& deadline, std::string_view what,
                const std::function<std::optional<std::string>()>& look, const std::stop_token& stop = {});

}  // namespace backup_engine::base
