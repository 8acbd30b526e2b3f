#include "backup_engine/base/deadline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "backup_engine/base/error.hpp"

namespace backup_engine::base {

using std::chrono::milliseconds;

milliseconds Deadline::remaining() const {
  if (at_ == Clock::time_point::max()) return std::chrono::hours(24);
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(at_ - Clock::now()));
}

void poll_until(const Deadline& deadline, std::string_view what,
                const std::function<std::optional<std::string>()>& look, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any woken;
  auto pause = milliseconds(1);
  for (;;) {
    const auto seen = look();
    if (!seen) return;
    if (stop.stop_requested())
      throw Error(ErrorKind::interrupted, fmt::format("interrupted while waiting for {}", what));
    if (deadline.expired()) {
      throw Error(ErrorKind::timed_out, fmt::format("gave up waiting for {}; last seen: {}", what, *seen));
    }
    std::unique_lock lock(mutex);
    woken.wait_for(lock, stop, std::min(pause, std::max(milliseconds(1), deadline.remaining())), [] { return false; });
    pause = std::min(pause * 2, milliseconds(50));
  }
}

}  // namespace backup_engine::base
