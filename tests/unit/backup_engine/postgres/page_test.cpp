#include "backup_engine/postgres/page.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace backup_engine::postgres {
namespace {

using Page = std::array<std::byte, page_bytes>;

// A visibility map's only page as PostgreSQL 15 wrote it, block 0: LSN 0/16EAEB8, checksum 57929. The untouched lanes
// take part too, so this one answer depends on every starting value of the algorithm.
Page real_page() {
  Page page{};
  const std::pair<std::size_t, int> bytes[] = {{4, 0xB8}, {5, 0xAE},  {6, 0x6E},  {7, 0x01},  {8, 0x49},  {9, 0xE2},
                                               {12, 24},  {15, 0x20}, {17, 0x20}, {18, 0x04}, {19, 0x20}, {24, 3}};
  for (const auto& [at, value] : bytes) page[at] = static_cast<std::byte>(value);
  return page;
}

Page random_page(std::uint64_t seed) {
  Page page;
  std::mt19937_64 random(seed);
  for (auto& byte : page) byte = static_cast<std::byte>(random() & 0xFFU);
  return page;
}

void set_checksum(Page& page, std::uint32_t block) {
  const auto checksum = compute_checksum(page, block);
  std::memcpy(page.data() + 8, &checksum, sizeof checksum);
}

TEST(PageChecksum, IsWhatPostgresqlComputed) {
  const auto page = real_page();
  EXPECT_EQ(stored_checksum(page), 57929);
  EXPECT_EQ(compute_checksum(page, 0), 57929);
  EXPECT_EQ(to_string(page_lsn(page)), "0/16EAEB8");
}

TEST(PageChecksum, DoesNotDependOnTheStoredOne) {
  auto page = random_page(1);
  const auto before = compute_checksum(page, 7);
  page[8] ^= std::byte{0xFF};
  page[9] ^= std::byte{0xFF};
  EXPECT_EQ(compute_checksum(page, 7), before);
}

TEST(PageChecksum, DependsOnTheBlockNumberAndIsNeverZero) {
  const auto page = random_page(2);
  EXPECT_NE(compute_checksum(page, 0), compute_checksum(page, 1));
  for (std::uint32_t block = 0; block < 70000; block += 7) EXPECT_NE(compute_checksum(page, block), 0);
}

TEST(PageChecksum, ChangesWithEveryWord) {
  auto page = random_page(3);
  const auto sound = compute_checksum(page, 0);
  for (std::size_t at = 12; at < page_bytes; at += 4) {
    page[at] ^= std::byte{0x10};
    EXPECT_NE(compute_checksum(page, 0), sound) << "byte " << at;
    page[at] ^= std::byte{0x10};
  }
}

TEST(IsNew, MeansEveryByteIsZero) {
  Page page{};
  EXPECT_TRUE(is_new(page));
  page[page_bytes - 1] = std::byte{1};
  EXPECT_FALSE(is_new(page));
  page = Page{};
  page[0] = std::byte{1};
  EXPECT_FALSE(is_new(page));
}

class FirstBadPage : public testing::Test {
 protected:
  static constexpr std::uint32_t first_block = 3 * pages_per_segment_file + 5;
  FirstBadPage() {
    for (std::uint32_t i = 0; i < 40; ++i) {
      auto page = random_page(i);
      set_checksum(page, first_block + i);
      bytes_.insert(bytes_.end(), page.begin(), page.end());
    }
  }
  std::vector<std::byte> bytes_;
};

TEST_F(FirstBadPage, FindsNoneAmongSoundPages) {
  EXPECT_EQ(first_bad_page(bytes_, first_block), std::nullopt);
}

TEST_F(FirstBadPage, FindsNoneInNothing) {
  EXPECT_EQ(first_bad_page({}, 0), std::nullopt);
}

TEST_F(FirstBadPage, SkipsNewPages) {
  std::memset(bytes_.data() + 4 * page_bytes, 0, page_bytes);
  EXPECT_EQ(first_bad_page(bytes_, first_block), std::nullopt);
}

TEST_F(FirstBadPage, NamesTheFirstOfSeveral) {
  bytes_[31 * page_bytes + 100] ^= std::byte{1};
  bytes_[17 * page_bytes + 8191] ^= std::byte{1};
  EXPECT_EQ(first_bad_page(bytes_, first_block), 17U);
}

TEST_F(FirstBadPage, CountsBlocksFromTheStartOfTheRelation) {
  EXPECT_EQ(first_bad_page(bytes_, first_block + 1), 0U) << "pages of another place are bad here";
}

TEST_F(FirstBadPage, CallsAPageWithAZeroedHeaderBad) {
  std::memset(bytes_.data() + 2 * page_bytes, 0, 24);
  EXPECT_EQ(first_bad_page(bytes_, first_block), 2U);
}

}  // namespace
}  // namespace backup_engine::postgres
