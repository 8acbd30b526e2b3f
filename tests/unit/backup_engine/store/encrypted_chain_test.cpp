// Backups that build on others in an encrypted repository.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/store/block_index_format.hpp"
#include "backup_engine/store/rekey.hpp"
#include "tests/unit/backup_engine/store/encrypted_repository.hpp"

namespace store = backup_engine::store;
using backup_engine::BackupType;
using ::testing::ElementsAre;

namespace {

constexpr std::size_t block = 4096;

std::string build_on(store::Storage& storage, const std::string& parent, const tests::Contents& files) {
  store::BackupWriter writer(
      storage, "main",
      store::new_backup_label(storage, "main", BackupType::incremental, backup_engine::base::utc_now()),
      tests::small_layout(), std::make_shared<const store::BackupReader>(storage, "main", parent));
  const auto blocks = writer.make_block_writer();
  for (const auto& [path, bytes] : files) tests::put_file(writer, *blocks, path, bytes);
  blocks->finish();
  auto manifest = writer.finish();
  tests::describe(manifest);
  writer.publish(manifest);
  return writer.label();
}

std::uint64_t pack_bytes(store::Storage& storage, const std::string& label) {
  std::uint64_t bytes = 0;
  for (const auto& object : storage.list(store::backup_prefix("main", label) + "packs/")) bytes += object.size_bytes;
  return bytes;
}

}  // namespace

// From sizes alone, for who has no manifest any more that knows them.
TEST(LeavesIn, AreAsManyInTheIndexAsAmongTheHashesEncryptedOrNot) {
  tests::EncryptedRepository encrypted;
  const auto files = tests::some_files(block);
  const auto label = tests::put_backup(encrypted.storage(), "main", files);
  const auto index = encrypted.storage().size(store::block_index_name("main", label)).value();
  const auto hashes = encrypted.storage().size(store::block_hashes_name("main", label)).value();
  EXPECT_EQ(store::leaves_in(index, store::index_entry_bytes, true), 1U);
  EXPECT_EQ(store::leaves_in(hashes, store::hash_bytes, true), 1U);
  EXPECT_EQ(store::leaves_in(index - 1, store::index_entry_bytes, true), std::nullopt);
  EXPECT_EQ(store::leaves_in(index, store::index_entry_bytes, false), std::nullopt);
  EXPECT_EQ(store::leaves_in(95, store::hash_bytes, true), std::nullopt);
}

TEST(EncryptedChain, KeepsTheKeyOfItsFullWhateverCameLater) {
  tests::EncryptedRepository repository;
  auto files = tests::some_files(block);
  files["base/1/1001"] = tests::random_bytes(20 * block, 7);
  const auto full = tests::put_backup(repository.storage(), "main", files);
  store::rekey_repository({repository.location(), {}, true}, repository.files());
  const auto storage = repository.open();
  files["base/1/1001"][11 * block + 5] ^= std::byte{1};
  const auto incremental = build_on(*storage, full, files);
  // Hashes were compared, under the same secret: one block differs, and its tag is all that is added.
  EXPECT_EQ(pack_bytes(*storage, incremental), store::object_header_bytes + block + store::tag_bytes);
  const auto manifest = store::read_manifest(*storage, "main", incremental);
  EXPECT_EQ(manifest.key_id, store::read_manifest(*storage, "main", full).key_id);
  EXPECT_NE(manifest.key_id, storage->keys()->newest()->id());
  EXPECT_THAT(manifest.chain, ElementsAre(full));
  EXPECT_EQ(tests::read_backup(*storage, "main", incremental), files);
  const auto next = tests::put_backup(*storage, "main", files);
  EXPECT_EQ(store::read_manifest(*storage, "main", next).key_id, storage->keys()->newest()->id());
}
