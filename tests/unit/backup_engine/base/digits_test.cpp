#include "backup_engine/base/digits.hpp"

#include <gtest/gtest.h>

#include <array>

using namespace backup_engine::base;

TEST(Digits, OfANumberAreDecimalOnesAndNothingElse) {
  for (const auto* const number : {"0", "007", "16384", "99999999999999999999"})
    EXPECT_TRUE(is_number(number)) << number;
  for (const auto* const other : {"", "-1", "+1", " 1", "1 ", "1.0", "1f", "one"})
    EXPECT_FALSE(is_number(other)) << other;
}

TEST(Digits, GiveEveryByteBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  const auto digits = to_hex(std::as_bytes(std::span(all)));
  EXPECT_EQ(digits.substr(0, 8), "00010203");
  EXPECT_EQ(digits.substr(digits.size() - 4), "feff");
  EXPECT_EQ(text_from_hex(digits), all);
  EXPECT_EQ(text_from_hex(""), "");
}

TEST(Digits, ThatAreNoneOrTooFewAreRefused) {
  for (const auto* const other : {"0", "abc", "0g", "g0", "AB", "0x", " 1", "-1"}) {
    EXPECT_EQ(text_from_hex(other), std::nullopt) << other;
  }
  std::array<std::byte, 2> two{};
  EXPECT_TRUE(from_hex("00ff", two));
  EXPECT_EQ(two[1], std::byte{255});
  EXPECT_FALSE(from_hex("00ff00", two));
  EXPECT_FALSE(from_hex("00", two));
}
