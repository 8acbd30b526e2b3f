// Fixed-width numbers in stored bytes, always little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace backup_engine::store {

template <typename Number>
void put_little_endian(std::byte* to, Number value) {
  static_assert(std::is_unsigned_v<Number>);
  for (std::size_t i = 0; i < sizeof value; ++i) to[i] = static_cast<std::byte>(value >> (8 * i));
}

template <typename Number>
[[nodiscard]] Number get_little_endian(const std::byte* from) {
  static_assert(std::is_unsigned_v<Number>);
  Number value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value = static_cast<Number>(value | static_cast<Number>(static_cast<Number>(from[i]) << (8 * i)));
  }
  return value;
}

}  // namespace backup_engine::store
