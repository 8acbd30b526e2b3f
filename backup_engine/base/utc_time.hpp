// Wall-clock instants as text: RFC 3339 in UTC, the only form that reports and manifests use.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace backup_engine::base {

using UtcTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

[[nodiscard]] UtcTime utc_now();
[[nodiscard]] std::string to_rfc3339(UtcTime time);  // 2026-11-20T02:15:00.123456Z
[[nodiscard]] std::string to_compact(UtcTime time);  // 20261120T021500Z, for labels and directory names
// Accepts "2026-11-20T02:15:00[.ffffff]Z"; nullopt for anything else.
[[nodiscard]] std::optional<UtcTime> parse_rfc3339(std::string_view text);

}  // namespace backup_engine::base
