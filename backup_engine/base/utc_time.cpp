#include "backup_engine/base/utc_time.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>

namespace backup_engine::base {

using namespace std::chrono;

UtcTime utc_now() {
  return time_point_cast<microseconds>(system_clock::now());
}

std::string to_rfc3339(UtcTime time) {
  const auto whole = floor<seconds>(time);
  const auto fraction = duration_cast<microseconds>(time - whole).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(system_clock::to_time_t(whole)), fraction);
}

std::string to_compact(UtcTime time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(system_clock::to_time_t(floor<seconds>(time))));
}

std::optional<UtcTime> parse_rfc3339(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t length) -> std::optional<int> {
    int value = 0;
    if (at + length > text.size()) return std::nullopt;
    const auto* const end = text.data() + at + length;
    const auto result = std::from_chars(text.data() + at, end, value);
    if (result.ec != std::errc() || result.ptr != end || value < 0) return std::nullopt;
    return value;
  };
  if (text.size() < 20 || text.back() != 'Z' || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const auto y = number(0, 4), mo = number(5, 2), d = number(8, 2), h = number(11, 2), mi = number(14, 2),
             s = number(17, 2);
  if (!y || !mo || !d || !h || !mi || !s || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*mo)), day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  microseconds fraction{0};
  if (text.size() > 20) {
    const auto digits = text.size() - 21;
    if (text[19] != '.' || digits == 0 || digits > 6) return std::nullopt;
    const auto value = number(20, digits);
    if (!value) return std::nullopt;
    long scaled = *value;
    for (auto i = digits; i < 6; ++i) scaled *= 10;
    fraction = microseconds(scaled);
  }
  return UtcTime(sys_days(date) + hours(*h) + minutes(*mi) + seconds(*s) + fraction);
}

}  // namespace backup_engine::base
