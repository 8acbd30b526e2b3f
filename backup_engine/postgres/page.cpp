#include "backup_engine/postgres/page.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "backup_engine/base/error.hpp"

namespace backup_engine::postgres {

namespace {

constexpr std::size_t checksum_offset = 8;
constexpr std::size_t lanes = 32, lane_bytes = sizeof(std::uint32_t), row_bytes = lanes * lane_bytes;
constexpr std::uint32_t fnv_prime = 16777619;

// Where each lane starts: constants of the algorithm.
alignas(64) constexpr std::array<std::uint32_t, lanes> lane_starts = {
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756};

template <typename Word, std::size_t count>
struct Row {
  std::array<Word, count> words;

  [[gnu::always_inline]] inline void load(const void* from) { std::memcpy(&words, from, row_bytes); }
  [[gnu::always_inline]] inline void mix(const Row& values) {
    for (std::size_t i = 0; i < count; ++i) {
      const Word mixed = words[i] ^ values.words[i];
      words[i] = (mixed * fnv_prime) ^ (mixed >> 17);
    }
  }
};

// The hash of one page before block number and folding to 16 bits. Word is a vector register's worth of lanes: the
// lanes are independent, so the same code serves every register width. Inlined into a function per instruction set.
template <typename Word>
[[gnu::always_inline]] inline std::uint32_t hash_page(const std::byte* page) {
  using Lanes = Row<Word, row_bytes / sizeof(Word)>;
  alignas(64) std::array<std::byte, row_bytes> first;
  std::memcpy(first.data(), page, row_bytes);
  first[checksum_offset] = first[checksum_offset + 1] = std::byte{0};

  Lanes sums, values;
  sums.load(lane_starts.data());
  values.load(first.data());
  sums.mix(values);
  for (std::size_t offset = row_bytes; offset < page_bytes; offset += row_bytes) {
    values.load(page + offset);
    sums.mix(values);
  }
  values = Lanes{};
  sums.mix(values);  // two rounds of zeros, so that the last words spread too
  sums.mix(values);

  std::array<std::uint32_t, lanes> folded;
  std::memcpy(folded.data(), &sums, row_bytes);
  std::uint32_t result = 0;
  for (const auto lane : folded) result ^= lane;
  return result;
}

using Vector16 = std::uint32_t __attribute__((vector_size(16)));
std::uint32_t hash_baseline(const std::byte* page) {
  return hash_page<Vector16>(page);
}

using HashPage = std::uint32_t (*)(const std::byte*);

#if defined(__x86_64__)
using Vector32 = std::uint32_t __attribute__((vector_size(32)));
using Vector64 = std::uint32_t __attribute__((vector_size(64)));
[[gnu::target("avx2")]] std::uint32_t hash_avx2(const std::byte* page) {
  return hash_page<Vector32>(page);
}
[[gnu::target("avx512f")]] std::uint32_t hash_avx512(const std::byte* page) {
  return hash_page<Vector64>(page);
}

// Not target_clones: its resolvers run before the sanitizers are ready.
HashPage choose_hash() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return hash_avx512;
  if (__builtin_cpu_supports("avx2")) return hash_avx2;
  return hash_baseline;
}
#else
HashPage choose_hash() {
  return hash_baseline;
}
#endif

HashPage chosen_hash() {
  static const HashPage chosen = choose_hash();
  return chosen;
}

std::uint16_t fold(std::uint32_t hash, std::uint32_t block_number) {
  return static_cast<std::uint16_t>(((hash ^ block_number) % 65535) + 1);
}

}  // namespace

Lsn page_lsn(PageView page) {
  // pd_lsn is two 32-bit halves, the high one first.
  std::uint32_t high = 0, low = 0;
  std::memcpy(&high, page.data(), sizeof high);
  std::memcpy(&low, page.data() + sizeof high, sizeof low);
  return Lsn((static_cast<std::uint64_t>(high) << 32U) | low);
}

std::uint16_t stored_checksum(PageView page) {
  std::uint16_t checksum = 0;
  std::memcpy(&checksum, page.data() + checksum_offset, sizeof checksum);
  return checksum;
}

bool is_new(PageView page) {
  return page[0] == std::byte{0} && std::memcmp(page.data(), page.data() + 1, page_bytes - 1) == 0;
}

std::uint16_t compute_checksum(PageView page, std::uint32_t block_number) {
  return fold(chosen_hash()(page.data()), block_number);
}

std::optional<std::size_t> first_bad_page(std::span<const std::byte> pages, std::uint32_t first_block) {
  if (pages.size() % page_bytes != 0) throw base::Error(base::ErrorKind::internal, "not a whole number of pages");
  const auto hash = chosen_hash();
  for (std::size_t i = 0; i * page_bytes < pages.size(); ++i) {
    const PageView page(pages.data() + i * page_bytes, page_bytes);
    const auto wanted = fold(hash(page.data()), first_block + static_cast<std::uint32_t>(i));
    if (wanted != stored_checksum(page) && !is_new(page)) return i;
  }
  return std::nullopt;
}

}  // namespace backup_engine::postgres
