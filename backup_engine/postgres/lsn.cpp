#include "backup_engine/postgres/lsn.hpp"

#include <fmt/format.h>

#include <charconv>

namespace backup_engine::postgres {

std::string to_string(Lsn lsn) {
  return fmt::format("{:X}/{:X}", lsn.position_bytes() >> 32U, lsn.position_bytes() & 0xFFFFFFFFU);
}

std::optional<Lsn> parse_lsn(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto half = [](std::string_view digits) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    const auto* const end = digits.data() + digits.size();
    const auto result = std::from_chars(digits.data(), end, value, 16);
    if (digits.empty() || digits.size() > 8 || result.ec != std::errc() || result.ptr != end) return std::nullopt;
    return value;
  };
  const auto high = half(text.substr(0, slash));
  const auto low = half(text.substr(slash + 1));
  if (!high || !low) return std::nullopt;
  return Lsn((static_cast<std::uint64_t>(*high) << 32U) | *low);
}

}  // namespace backup_engine::postgres
