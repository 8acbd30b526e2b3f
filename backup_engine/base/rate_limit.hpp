// A limit on bytes per second, so that production does not feel what reads from it. It does not wait itself: it says
// how long to, so that whoever waits can be interrupted.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace backup_engine::base {

class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  explicit RateLimit(std::uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}  // 0: no limit

  // `bytes` were taken at `now`: how long to wait before more may be. What was not used earlier is saved up for a
  // quarter of a second at most. Not thread-safe.
  [[nodiscard]] Clock::duration take(std::uint64_t bytes, Clock::time_point now);

 private:
  std::uint64_t bytes_per_second_;
  Clock::time_point paid_until_ = Clock::time_point::min();
};

// "500kB", "10MB", "1.5GB", "1000000": bytes, in powers of 1000, each second. Throws Error(usage) for anything else and
// for less than 1 kB.
[[nodiscard]] std::uint64_t parse_rate(std::string_view text);

}  // namespace backup_engine::base
