#include "backup_engine/backup/block_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "backup_engine/postgres/page.hpp"

namespace backup_engine::backup {
namespace {

using postgres::Lsn;
using postgres::page_bytes;
using Bytes = std::vector<std::byte>;

constexpr std::uint32_t first_block = 131072;

// A page with this LSN and a sound checksum for `block`.
Bytes page(std::uint32_t block, Lsn lsn, int filling) {
  Bytes bytes(page_bytes, static_cast<std::byte>(filling));
  const auto high = static_cast<std::uint32_t>(lsn.position_bytes() >> 32U);
  const auto low = static_cast<std::uint32_t>(lsn.position_bytes());
  std::memcpy(bytes.data(), &high, sizeof high);
  std::memcpy(bytes.data() + 4, &low, sizeof low);
  const auto checksum = postgres::compute_checksum(postgres::PageView(bytes.data(), page_bytes), block);
  std::memcpy(bytes.data() + 8, &checksum, sizeof checksum);
  return bytes;
}

// Three sound pages, and a file whose content a test changes between readings.
class ReadBlock : public testing::Test {
 protected:
  ReadBlock() {
    for (std::uint32_t i = 0; i < 3; ++i) {
      const auto bytes = page(first_block + i, Lsn(0x1000), static_cast<int>(i) + 1);
      sound_.insert(sound_.end(), bytes.begin(), bytes.end());
    }
    file_ = sound_;
    buffer_.resize(sound_.size());
  }
  void read(std::optional<std::uint32_t> block = first_block) {
    const ReadAt read_at = [this](std::span<std::byte> into, std::uint64_t offset) {
      if (before_reading_) before_reading_(++readings_);
      if (offset >= file_.size()) return std::size_t{0};
      const auto count = std::min<std::size_t>(into.size(), file_.size() - offset);
      std::memcpy(into.data(), file_.data() + offset, count);
      return count;
    };
    read_block(read_at, buffer_, 0, block, "base/5/16384.1", suspects_);
  }
  void tear() { std::fill_n(file_.begin() + page_bytes + 4096, 4096, std::byte{0xEE}); }

  Bytes sound_, file_, buffer_;
  std::function<void(int)> before_reading_;
  int readings_ = 0;
  std::vector<SuspectPage> suspects_;
};

TEST_F(ReadBlock, TakesSoundPagesAsTheyAre) {
  read();
  EXPECT_EQ(buffer_, sound_);
  EXPECT_TRUE(suspects_.empty());
}

TEST_F(ReadBlock, PadsAFileThatWasTruncatedWithZeros) {
  file_.resize(page_bytes);
  read();
  EXPECT_TRUE(std::equal(sound_.begin(), sound_.begin() + page_bytes, buffer_.begin()));
  EXPECT_TRUE(std::all_of(buffer_.begin() + page_bytes, buffer_.end(), [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_TRUE(suspects_.empty());
}

TEST_F(ReadBlock, PadsAFileThatIsEmptyByNow) {
  file_.clear();
  read();
  EXPECT_TRUE(std::all_of(buffer_.begin(), buffer_.end(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST_F(ReadBlock, ReadsAGrownFileToItsListedSize) {
  file_.resize(10 * page_bytes, std::byte{9});
  read();
  EXPECT_EQ(buffer_, sound_);
}

TEST_F(ReadBlock, DoesNotJudgeAPageThatTheEndOfTheFileCutsOff) {
  file_.resize(page_bytes + 100);
  read();
  EXPECT_TRUE(suspects_.empty());
}

TEST_F(ReadBlock, ReadsATornPageAgainUntilItIsWhole) {
  tear();
  before_reading_ = [this](int reading) {
    if (reading == 3) file_ = sound_;
  };
  read();
  EXPECT_EQ(buffer_, sound_);
  EXPECT_TRUE(suspects_.empty());
  EXPECT_EQ(readings_, 3);
}

TEST_F(ReadBlock, RemembersAPageThatStaysWrong) {
  tear();
  read();
  ASSERT_EQ(suspects_.size(), 1U);
  EXPECT_EQ(suspects_[0].file, "base/5/16384.1");
  EXPECT_EQ(suspects_[0].page, 1U);
  EXPECT_EQ(suspects_[0].lsn, Lsn(0x1000));
  EXPECT_FALSE(suspects_[0].changing);
  EXPECT_EQ(buffer_, file_) << "what was read is kept";
}

TEST_F(ReadBlock, RemembersEveryWrongPage) {
  for (std::size_t i = 0; i < 3; ++i) file_[i * page_bytes + 5000] ^= std::byte{1};
  read();
  ASSERT_EQ(suspects_.size(), 3U);
  EXPECT_EQ(suspects_[2].page, 2U);
}

TEST_F(ReadBlock, SeesThatAPageChangesAtEveryReading) {
  tear();
  before_reading_ = [this](int reading) { std::memcpy(file_.data() + page_bytes + 5000, &reading, sizeof reading); };
  read();
  ASSERT_EQ(suspects_.size(), 1U);
  EXPECT_TRUE(suspects_[0].changing);
}

TEST_F(ReadBlock, ForgetsAWrongPageThatIsCutOffMeanwhile) {
  tear();
  before_reading_ = [this](int reading) {
    if (reading == 2) file_.resize(page_bytes);
  };
  read();
  EXPECT_TRUE(suspects_.empty());
}

TEST_F(ReadBlock, VerifiesNothingInFilesWithoutPages) {
  tear();
  read(std::nullopt);
  EXPECT_EQ(buffer_, file_);
  EXPECT_TRUE(suspects_.empty());
}

TEST(DamagedAmong, ExcusesOnlyWhatWalRepairs) {
  const Lsn start(0x2000), stop(0x9000);
  const std::vector<SuspectPage> suspects = {{"b", 1, Lsn(0x1FFF)},    // not touched since the start: no WAL repairs it
                                             {"b", 2, start},          // modified during the backup
                                             {"b", 3, stop},           // likewise
                                             {"a", 4, Lsn(0x9001)},    // garbage: past all WAL of the backup
                                             {"a", 5, Lsn(~0ULL)},     // garbage
                                             {"a", 6, Lsn(0), true}};  // the server was writing it all the time
  const auto damaged = damaged_among(suspects, start, stop);
  ASSERT_EQ(damaged.size(), 3U);
  EXPECT_EQ(damaged[0].file, "a");
  EXPECT_EQ(damaged[0].block, 4U);
  EXPECT_EQ(damaged[1].block, 5U);
  EXPECT_EQ(damaged[2].file, "b");
  EXPECT_EQ(damaged[2].block, 1U);
}

}  // namespace
}  // namespace backup_engine::backup
