#include "backup_engine/base/digits.hpp"

#include <algorithm>

namespace backup_engine::base {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int value_of(char digit) {
  if (is_digit(digit)) return digit - '0';
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

}  // namespace

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text += digits[std::to_integer<unsigned>(byte) >> 4U];
    text += digits[std::to_integer<unsigned>(byte) & 15U];
  }
  return text;
}

bool from_hex(std::string_view digits, std::span<std::byte> bytes) {
  if (digits.size() != bytes.size() * 2) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto high = value_of(digits[2 * i]), low = value_of(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

std::optional<std::string> text_from_hex(std::string_view digits) {
  std::string text(digits.size() / 2, '\0');
  if (!from_hex(digits, std::as_writable_bytes(std::span(text)))) return std::nullopt;
  return text;
}

}  // namespace backup_engine::base
