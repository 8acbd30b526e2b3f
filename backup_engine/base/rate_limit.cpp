#include "backup_engine/base/rate_limit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "backup_engine/base/error.hpp"

namespace backup_engine::base {

RateLimit::Clock::duration RateLimit::take(std::uint64_t bytes, Clock::time_point now) {
  constexpr auto saved_up = std::chrono::milliseconds(250);
  if (bytes_per_second_ == 0) return Clock::duration::zero();
  const std::chrono::duration<double> costs(static_cast<double>(bytes) / static_cast<double>(bytes_per_second_));
  paid_until_ = std::max(paid_until_, now - saved_up) + std::chrono::duration_cast<Clock::duration>(costs);
  return std::max(Clock::duration::zero(), paid_until_ - now);
}

std::uint64_t parse_rate(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 5> units = {
      {{"", 1}, {"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}}};
  constexpr double least = 1e3, most = 1e15;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const auto* const found =
      std::find_if(units.begin(), units.end(), [&](const auto& each) { return each.first == unit; });
  const auto rate = found == units.end() ? 0 : number * found->second;
  if (error != std::errc() || !(rate >= least && rate <= most)) {
    throw Error(ErrorKind::usage, fmt::format("no rate that can be kept: \"{}\"", text))
        .with_remedy("give bytes a second, at least 1kB: 500kB, 10MB, 1GB");
  }
  return static_cast<std::uint64_t>(rate);
}

}  // namespace backup_engine::base
