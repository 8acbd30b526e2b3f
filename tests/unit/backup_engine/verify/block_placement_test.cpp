// Which blocks of which packs are to be read: the same ones however few are held at a time, and none that are known.
#include "backup_engine/verify/block_placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "tests/unit/backup_engine/store/small_repository.hpp"
#include "tests/unit/backup_engine/verify/small_chain.hpp"

namespace backup_engine::verify {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class Placement : public ::testing::Test {
 protected:
  using Blocks = std::set<std::tuple<std::size_t, std::uint32_t, std::uint64_t>>;  // row, offset, number in the index

  Placement() {
    init_repository({(directory_.path() / "repository").string()});
    storage_ = store::open_repository({(directory_.path() / "repository").string()});
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
    for (unsigned i = 0; i < 3; ++i) files_["base/1/2" + std::to_string(i)] = tests::random_bytes(4096 * 11, 10 + i);
    full_ = tests::put_backup(*storage_, "main", files_);
    reader_ = std::make_unique<store::BackupReader>(*storage_, "main", full_);
  }

  [[nodiscard]] std::vector<Wanted> all(Wanted wanted) const {
    std::vector<Wanted> rows(reader_->manifest().packs.size());
    std::ranges::fill(rows, wanted);
    return rows;
  }
  // Also that no stretch holds more than it may: `most`, or one pack.
  [[nodiscard]] static Blocks placed(const store::BackupReader& backup, const std::vector<Wanted>& wanted,
                                     const VerifiedBackup* verified, std::size_t most = most_placed) {
    BlockPlacement placement(backup, "index", wanted, verified, most);
    Blocks blocks;
    std::size_t next_row = 0;
    while (const auto stretch = placement.next()) {
      EXPECT_EQ(stretch->first_row, next_row);
      next_row += stretch->blocks.size();
      std::size_t pieces = 0;
      for (std::size_t i = 0; i < stretch->blocks.size(); ++i) {
        pieces += stretch->blocks[i].size();
        for (const auto& piece : stretch->blocks[i]) {
          for (std::uint32_t n = 0; n < piece.count; ++n) {
            EXPECT_TRUE(blocks.emplace(stretch->first_row + i, piece.offset_bytes, piece.block + n).second);
          }
        }
      }
      EXPECT_TRUE(pieces <= most || stretch->blocks.size() == 1) << pieces;
    }
    EXPECT_EQ(next_row, wanted.size());
    return blocks;
  }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-placement"};
  tests::Contents files_ = tests::some_files(4096);
  std::unique_ptr<store::Storage> storage_;
  std::string full_;
  std::unique_ptr<store::BackupReader> reader_;
};

TEST_F(Placement, IsTheSameHoweverFewPiecesAreHeldAtATime) {
  const auto everything = all(Wanted::everything);
  ASSERT_GT(everything.size(), 4U);
  const auto whole = placed(*reader_, everything, nullptr);
  EXPECT_THAT(whole, SizeIs(::testing::Gt(30U)));
  for (const std::size_t most : {1U, 2U, 5U, 9U}) EXPECT_EQ(placed(*reader_, everything, nullptr, most), whole) << most;
}

TEST_F(Placement, HasNothingOfAPackOfWhichNothingIsWanted) {
  auto wanted = all(Wanted::everything);
  wanted[1] = Wanted::nothing;
  const auto blocks = placed(*reader_, wanted, nullptr, 3);
  EXPECT_FALSE(blocks.empty());
  for (const auto& block : blocks) EXPECT_NE(std::get<0>(block), 1U);
}

TEST_F(Placement, HasNothingThatABackupOfTheChainWasVerifiedWith) {
  const VerifiedBackup verified(*storage_, "main", full_);
  const auto label = tests::put_unchanged_incremental(*storage_, "main", full_);
  const store::BackupReader incremental(*storage_, "main", label);
  EXPECT_THAT(placed(incremental, all(Wanted::unverified), &verified), IsEmpty());
  EXPECT_THAT(placed(incremental, all(Wanted::everything), &verified), SizeIs(::testing::Gt(30U)));
  auto wanted = all(Wanted::unverified);
  wanted[2] = Wanted::everything;
  const auto blocks = placed(incremental, wanted, &verified);
  EXPECT_FALSE(blocks.empty());
  for (const auto& block : blocks) EXPECT_EQ(std::get<0>(block), 2U);
}

TEST_F(Placement, HasOnlyTheBlocksThatABackupChanged) {
  auto files = files_;
  std::fill_n(files["base/1/21"].begin() + 4096 * 5, 4096, std::byte{7});
  files["base/1/29"] = files["base/1/20"];  // the same content, and another file
  const auto label = tests::put_incremental(*storage_, "main", full_, files);
  const auto old_packs = reader_->manifest().packs.size();
  const VerifiedBackup verified(*storage_, "main", full_);
  const store::BackupReader incremental(*storage_, "main", label);
  std::vector<Wanted> wanted(incremental.manifest().packs.size());
  for (std::size_t row = 0; row < wanted.size(); ++row) {
    wanted[row] = row < old_packs ? Wanted::unverified : Wanted::everything;
  }
  const auto blocks = placed(incremental, wanted, &verified, 2);
  EXPECT_THAT(blocks, SizeIs(12));
  for (const auto& block : blocks) EXPECT_GE(std::get<0>(block), old_packs);
}

// Its content may be the same, and what a restore would write is not.
TEST_F(Placement, HasTheLastBlockOfAFileThatIsOfAnotherLengthNow) {
  const VerifiedBackup verified(*storage_, "main", full_);
  constexpr std::size_t last = 5;  // base/1/1000: five blocks and 17 bytes
  const auto file = reader_->files().entry(reader_->files().find("base/1/1000").value());
  const auto shared = verified.shared_blocks(file.path, 0, file.extents.at(0).first_block);
  EXPECT_TRUE(shared.has(last - 1, 4096));
  EXPECT_TRUE(shared.has(last, 17));
  EXPECT_FALSE(shared.has(last, 18));
  EXPECT_FALSE(shared.has(last - 1, 17));
  EXPECT_FALSE(shared.has(last + 1, 4096));
  EXPECT_FALSE(verified.shared_blocks("base/1/1001", 0, file.extents[0].first_block).has(0, 4096));
}

}  // namespace
}  // namespace backup_engine::verify
