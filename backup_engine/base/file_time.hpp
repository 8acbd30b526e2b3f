// The times of files as file systems and file tables count them: nanoseconds since 1970 UTC.
#pragma once

#include <chrono>
#include <cstdint>

#include "backup_engine/base/utc_time.hpp"

namespace backup_engine::base {

[[nodiscard]] constexpr std::int64_t to_nanoseconds(UtcTime time) {
  return std::chrono::nanoseconds(time.time_since_epoch()).count();
}

// What is below a microsecond goes.
[[nodiscard]] constexpr UtcTime from_nanoseconds(std::int64_t nanoseconds) {
  return UtcTime(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::nanoseconds(nanoseconds)));
}

}  // namespace backup_engine::base
