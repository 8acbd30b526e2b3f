// Byte counts and durations for people.
#pragma once

#include <cstdint>
#include <string>

namespace backup_engine::base {

[[nodiscard]] std::string bytes_text(std::uint64_t bytes);  // "1.2 GB", powers of 1000
[[nodiscard]] std::string seconds_text(double seconds);     // "1.0 ms", "0.43 s", "12.0 s", "3 min 20 s"

}  // namespace backup_engine::base
