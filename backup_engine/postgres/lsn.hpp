// A position in the write-ahead log: a byte offset into the endless stream of WAL, written X/X in hexadecimal.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backup_engine::postgres {

class Lsn {
 public:
  constexpr Lsn() = default;  // 0/0, PostgreSQL's InvalidXLogRecPtr
  constexpr explicit Lsn(std::uint64_t position_bytes) : position_(position_bytes) {}

  [[nodiscard]] constexpr std::uint64_t position_bytes() const { return position_; }
  [[nodiscard]] constexpr bool valid() const { return position_ != 0; }
  constexpr auto operator<=>(const Lsn&) const = default;
  constexpr Lsn operator+(std::uint64_t bytes) const { return Lsn(position_ + bytes); }
  // Bytes from `other` up to here; `other` must not be later.
  constexpr std::uint64_t operator-(Lsn other) const { return position_ - other.position_; }

 private:
  std::uint64_t position_ = 0;
};

[[nodiscard]] std::string to_string(Lsn lsn);                       // "16/B374D848"
[[nodiscard]] std::optional<Lsn> parse_lsn(std::string_view text);  // nullopt unless exactly X/X

}  // namespace backup_engine::postgres
