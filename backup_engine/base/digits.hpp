// Digits in text: decimal numbers, and bytes written as hexadecimal digits, in one place and as strictly everywhere.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace backup_engine::base {

// One decimal digit or more, and nothing else.
[[nodiscard]] bool is_number(std::string_view text);

[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);  // lower case
// Fills `bytes` from exactly twice as many lower-case digits; false, with `bytes` undefined, for anything else.
[[nodiscard]] bool from_hex(std::string_view digits, std::span<std::byte> bytes);
// The text whose bytes they are; nullopt unless all are lower-case digits and there are two a byte.
[[nodiscard]] std::optional<std::string> text_from_hex(std::string_view digits);

}  // namespace backup_engine::base
