// Bytes from hexadecimal digits; the way there is base::to_hex.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace backup_engine::store {

// Fills `bytes` from exactly twice as many lower-case digits; false, with `bytes` undefined, for anything else.
[[nodiscard]] inline bool from_hex(std::string_view text, std::span<std::byte> bytes) {
  const auto value = [](char digit) -> int {
    if (digit >= '0' && digit <= '9') return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
  };
  if (text.size() != bytes.size() * 2) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto high = value(text[2 * i]), low = value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

}  // namespace backup_engine::store
