#include "backup_engine/base/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace backup_engine::base {

namespace {

constexpr std::uint32_t polynomial = 0x82F63B78;  // bit-reversed 0x1EDC6F41

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

// Slicing by eight (Kounavis and Berry): table[k][b] is the CRC of byte b followed by k zero bytes.
constexpr Table make_table() {
  Table table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1U) ^ polynomial : crc >> 1U;
    table[0][byte] = crc;
  }
  for (std::size_t k = 1; k < table.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto before = table[k - 1][byte];
      table[k][byte] = (before >> 8U) ^ table[0][before & 0xFFU];
    }
  }
  return table;
}

constexpr Table table = make_table();

// a × b modulo the polynomial, in the reversed bit order in which bit 31 is x^0.
constexpr std::uint32_t multiply(std::uint32_t a, std::uint32_t b) {
  std::uint32_t product = 0;
  for (std::uint32_t mask = 1U << 31U; mask != 0; mask >>= 1U) {
    if ((a & mask) != 0) product ^= b;
    b = (b & 1U) != 0 ? (b >> 1U) ^ polynomial : b >> 1U;
  }
  return product;
}

// x^(8 × length_bytes) modulo the polynomial.
constexpr std::uint32_t shift_by(std::uint64_t length_bytes) {
  std::uint32_t result = 1U << 31U;  // x^0
  std::uint32_t square = 1U << 23U;  // x^8
  for (; length_bytes != 0; length_bytes >>= 1U) {
    if ((length_bytes & 1U) != 0) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

#if defined(__x86_64__)

// The instruction takes three cycles but starts every cycle: three strips at once, joined afterwards.
constexpr std::size_t strip_bytes = 4096;

using ShiftTable = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr ShiftTable make_shift_table(std::size_t length_bytes) {
  ShiftTable result{};
  const auto factor = shift_by(length_bytes);
  for (std::uint32_t place = 0; place < 4; ++place) {
    for (std::uint32_t byte = 0; byte < 256; ++byte) result[place][byte] = multiply(factor, byte << (8 * place));
  }
  return result;
}

constexpr ShiftTable shift_one_strip = make_shift_table(strip_bytes);

std::uint64_t shift_strip(std::uint64_t crc) {
  return shift_one_strip[0][crc & 0xFFU] ^ shift_one_strip[1][(crc >> 8U) & 0xFFU] ^
         shift_one_strip[2][(crc >> 16U) & 0xFFU] ^ shift_one_strip[3][(crc >> 24U) & 0xFFU];
}

std::uint64_t word_at(const std::byte* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(std::span<const std::byte> bytes,
                                                                      std::uint32_t previous) {
  std::uint64_t crc = ~previous;
  const auto* at = bytes.data();
  auto left = bytes.size();
  for (; left >= 3 * strip_bytes; left -= 3 * strip_bytes, at += 3 * strip_bytes) {
    std::uint64_t second = 0, third = 0;
    for (std::size_t i = 0; i < strip_bytes; i += 8) {
      crc = _mm_crc32_u64(crc, word_at(at + i));
      second = _mm_crc32_u64(second, word_at(at + strip_bytes + i));
      third = _mm_crc32_u64(third, word_at(at + 2 * strip_bytes + i));
    }
    crc = shift_strip(shift_strip(crc) ^ second) ^ third;
  }
  for (; left >= 8; left -= 8, at += 8) crc = _mm_crc32_u64(crc, word_at(at));
  auto narrow = static_cast<std::uint32_t>(crc);
  for (; left != 0; --left, ++at) narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*at));
  return ~narrow;
}

#endif

}  // namespace

std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t previous) {
  std::uint32_t crc = ~previous;
  const auto* at = bytes.data();
  auto left = bytes.size();
  const auto octet = [&](std::size_t i) { return static_cast<std::uint32_t>(at[i]); };
  for (; left >= 8; left -= 8, at += 8) {
    crc ^= octet(0) | octet(1) << 8U | octet(2) << 16U | octet(3) << 24U;
    crc = table[7][crc & 0xFFU] ^ table[6][(crc >> 8U) & 0xFFU] ^ table[5][(crc >> 16U) & 0xFFU] ^
          table[4][crc >> 24U] ^ table[3][octet(4)] ^ table[2][octet(5)] ^ table[1][octet(6)] ^ table[0][octet(7)];
  }
  for (; left != 0; --left, ++at) crc = (crc >> 8U) ^ table[0][(crc ^ octet(0)) & 0xFFU];
  return ~crc;
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return crc32c_by_instruction(bytes, previous);
#endif
  return crc32c_by_table(bytes, previous);
}

std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t length_b_bytes) {
  if (crc_a == 0) return crc_b;  // of nothing, above all
  return multiply(shift_by(length_b_bytes), crc_a) ^ crc_b;
}

}  // namespace backup_engine::base
