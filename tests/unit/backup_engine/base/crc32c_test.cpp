#include "backup_engine/base/crc32c.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

using backup_engine::base::crc32c;
using backup_engine::base::crc32c_by_table;
using backup_engine::base::crc32c_combine;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::vector<std::byte> random_bytes(std::size_t count) {
  std::mt19937 random(count == 0 ? 1U : static_cast<unsigned>(count));
  std::vector<std::byte> bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

}  // namespace

TEST(Crc32c, GivesThePublishedValues) {
  EXPECT_EQ(crc32c(bytes_of("")), 0U);
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xE3069283U);
  const std::vector<std::byte> zeros(32);
  EXPECT_EQ(crc32c(zeros), 0x8A9136AAU);  // RFC 3720, B.4
}

TEST(Crc32c, InstructionAndTableAgreeAtEveryLengthAndAlignment) {
  const auto bytes = random_bytes(3 * 4096 * 3 + 77);
  for (const std::size_t length :
       {0UL, 1UL, 7UL, 8UL, 9UL, 63UL, 4096UL, 12287UL, 12288UL, 12289UL, 36864UL, 36901UL}) {
    for (std::size_t offset = 0; offset < 9; ++offset) {
      const auto part = std::span(bytes).subspan(offset, length);
      EXPECT_EQ(crc32c(part, 7), crc32c_by_table(part, 7)) << length << " bytes at " << offset;
    }
  }
}

TEST(Crc32c, ContinuesAndCombines) {
  const auto bytes = random_bytes(70'001);
  const auto whole = crc32c(bytes);
  for (const std::size_t cut : {0UL, 1UL, 4096UL, 65'536UL, 70'000UL, 70'001UL}) {
    const auto a = std::span(bytes).first(cut), b = std::span(bytes).subspan(cut);
    EXPECT_EQ(crc32c(b, crc32c(a)), whole);
    EXPECT_EQ(crc32c_combine(crc32c(a), crc32c(b), b.size()), whole);
  }
}
