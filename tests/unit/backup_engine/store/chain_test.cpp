// Backups that build on others: what is stored, what is pointed at, and that each reads back whole by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/verify.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace store = backup_engine::store;
using backup_engine::BackupType;
using ::testing::ElementsAre;

namespace {

constexpr std::size_t block = 4096;

class Chain : public ::testing::Test {
 protected:
  Chain() {
    store::init_repository(location_, files_);
    storage_ = store::open_repository(location_, files_);
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
    tests::put_wal(*storage_, "main");
  }

  std::string full(const tests::Contents& files) { return tests::put_backup(*storage_, "main", files); }

  std::string build_on(const std::string& parent, const tests::Contents& files,
                       store::BackupLayout layout = tests::small_layout()) {
    store::BackupWriter writer(
        *storage_, "main",
        store::new_backup_label(*storage_, "main", BackupType::incremental, backup_engine::base::utc_now()), layout,
        std::make_shared<const store::BackupReader>(*storage_, "main", parent));
    const auto blocks = writer.make_block_writer();
    for (const auto& [path, bytes] : files) tests::put_file(writer, *blocks, path, bytes);
    blocks->finish();
    auto manifest = writer.finish();
    tests::describe(manifest);
    writer.publish(manifest);
    return writer.label();
  }

  [[nodiscard]] store::Manifest manifest(const std::string& label) {
    return store::read_manifest(*storage_, "main", label);
  }
  [[nodiscard]] std::uint64_t pack_bytes(const std::string& label) {
    std::uint64_t bytes = 0;
    for (const auto& object : storage_->list(store::backup_prefix("main", label) + "packs/"))
      bytes += object.size_bytes;
    return bytes;
  }
  void expect_sound() {
    backup_engine::base::NoProgress silent;
    const auto result = backup_engine::verify_repository({location_, {}, {}, 1}, silent);
    for (const auto& damage : result.damage) ADD_FAILURE() << damage.object << ": " << damage.text;
    for (const auto& backup : result.backups) EXPECT_TRUE(backup.restorable) << backup.label << ": " << backup.reason;
    EXPECT_TRUE(result.debris.empty());
  }

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-chain"};
  backup_engine::RepositoryLocation location_{(directory_.path() / "repository").string()};
  tests::FaultyFileSystem files_{directory_.path()};  // without a fault: does not wait for the disk
  std::unique_ptr<store::Storage> storage_;
};

}  // namespace

TEST_F(Chain, StoresNothingWhereNothingChanged) {
  const auto files = tests::some_files(block);
  const auto first = full(files);
  const auto second = build_on(first, files);
  EXPECT_EQ(pack_bytes(second), 0U);
  EXPECT_EQ(tests::read_backup(*storage_, "main", second), files);
  EXPECT_EQ(manifest(second).summary.parent_label, first);
  EXPECT_THAT(manifest(second).chain, ElementsAre(first));
  EXPECT_THAT(manifest(second).index_backups, ElementsAre(second, first));
  expect_sound();
}

TEST_F(Chain, StoresABlockThatDiffersInOneByteAndNoOther) {
  auto files = tests::some_files(block);
  files["base/1/1001"] = tests::random_bytes(20 * block, 7);
  const auto first = full(files);
  files["base/1/1001"][11 * block + 5] ^= std::byte{1};
  const auto second = build_on(first, files);
  EXPECT_EQ(pack_bytes(second), store::object_header_bytes + block + store::block_trailer_bytes);
  EXPECT_EQ(tests::read_backup(*storage_, "main", second), files);
  expect_sound();
}

TEST_F(Chain, FollowsFilesThatGrowShrinkComeAndGo) {
  auto files = tests::some_files(block);
  std::vector<std::pair<std::string, tests::Contents>> backups{{full(files), files}};
  const auto next = [&] { backups.emplace_back(build_on(backups.back().first, files), files); };

  files["base/1/1000"].resize(2 * block + 9);  // truncated inside a block
  files["base/1/new"] = tests::row_bytes(3 * block, 21);
  files.erase("base/1/1001");
  next();
  files["base/1/1000"].resize(7 * block, std::byte{5});      // grown again, with other content
  files["base/1/1001"] = tests::random_bytes(2 * block, 3);  // there once before, with the same content
  files["base/1/zeros"][block] = std::byte{1};
  next();
  files["base/1/zeros"][block] = std::byte{0};  // zeros again
  files["base/1/mixed"] = {};
  files["base/1/empty"] = tests::row_bytes(block, 22);
  next();

  for (const auto& [label, content] : backups)
    EXPECT_EQ(tests::read_backup(*storage_, "main", label), content) << label;
  expect_sound();
}

TEST_F(Chain, TakesBlocksFromWhicheverBackupHasThemWithoutMerging) {
  tests::Contents files;
  files["a"] = tests::random_bytes(4 * block, 1);
  const auto first = full(files);
  files["a"][0] ^= std::byte{1};
  const auto second = build_on(first, files);
  files["a"][block] ^= std::byte{1};
  const auto third = build_on(second, files);
  EXPECT_THAT(manifest(third).chain, ElementsAre(first, second));
  std::vector<std::string> owners;
  for (const auto& pack : manifest(third).packs) owners.push_back(pack.backup_label);
  EXPECT_THAT(owners, ElementsAre(first, second, third));
  // The leaf that holds all four blocks was rewritten, so no other index is needed.
  EXPECT_THAT(manifest(third).index_backups, ElementsAre(third));
  EXPECT_EQ(tests::read_backup(*storage_, "main", third), files);
}

TEST_F(Chain, NamesNoPackThatItDoesNotNeed) {
  tests::Contents files;
  files["a"] = tests::random_bytes(4 * block, 1);
  const auto first = full(files);
  files["a"] = tests::random_bytes(4 * block, 2);
  const auto second = build_on(first, files);
  for (const auto& pack : manifest(second).packs) EXPECT_NE(pack.backup_label, first);
  EXPECT_EQ(tests::read_backup(*storage_, "main", second), files);
  expect_sound();
}

TEST_F(Chain, WritesOnlyTheLeavesThatChanged) {
  tests::Contents files;
  files["a"] = tests::row_bytes(3 * store::leaf_entries * block, 1);
  const auto first = full(files);
  files["a"][(store::leaf_entries + 10) * block] ^= std::byte{1};
  const auto second = build_on(first, files);
  const auto size = storage_->size(store::block_index_name("main", second));
  EXPECT_EQ(size,
            store::object_header_bytes + store::leaf_entries * store::index_entry_bytes + store::leaf_trailer_bytes);
  EXPECT_THAT(manifest(second).index_backups, ElementsAre(second, first));
  EXPECT_EQ(tests::read_backup(*storage_, "main", second), files);
  expect_sound();
}

TEST_F(Chain, NeedsNoLeafInWhichNoBlockIsLeft) {
  tests::Contents files;
  files["a"] = tests::row_bytes(store::leaf_entries * block, 1);
  files["b"] = tests::row_bytes(store::leaf_entries * block, 2);
  const auto first = full(files);
  files.erase("a");
  files["b"][0] ^= std::byte{1};
  const auto second = build_on(first, files);
  EXPECT_THAT(manifest(second).index_backups, ElementsAre(second));
  EXPECT_EQ(tests::read_backup(*storage_, "main", second), files);
  const auto third = build_on(second, files);
  EXPECT_EQ(tests::read_backup(*storage_, "main", third), files);
  expect_sound();
}

TEST_F(Chain, KeepsTheBlockSizeOfItsFull) {
  const auto files = tests::some_files(block);
  const auto first = full(files);
  const auto second = build_on(first, files, {{backup_engine::Codec::lz4, 0}, 16 * 1024, 100'000});
  EXPECT_EQ(manifest(second).block_size_bytes, block);
  EXPECT_EQ(pack_bytes(second), 0U);
}
