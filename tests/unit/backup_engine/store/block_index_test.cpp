#include "backup_engine/store/block_index.hpp"

#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/posix_storage.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace base = backup_engine::base;
namespace store = backup_engine::store;

namespace {

const std::string full = "20261121T000000Z-full", incremental = "20261121T000001Z-incr";

store::BlockEntry entry_at(std::uint32_t offset_bytes) {
  store::BlockEntry entry;
  entry.is_zero = false;
  entry.offset_bytes = offset_bytes;
  entry.stored_bytes = 100;
  entry.place = offset_bytes % 8;
  return entry;
}

class BlockIndexTest : public ::testing::Test {
 protected:
  // The manifest of a backup whose index was written just now.
  store::Manifest finish(store::BlockIndexWriter& writer, const std::string& label, std::uint64_t block_count) {
    const auto root = writer.finish(block_count);
    store::put_framed(storage_, store::block_root_name("main", label), store::ObjectKind::block_root,
                      {backup_engine::Codec::lz4, 0}, root, store::Durability::on_sync);
    storage_.sync();
    store::Manifest manifest;
    manifest.summary.label = label;
    manifest.block_count = block_count;
    manifest.index_backups = writer.index_backups();
    return manifest;
  }
  store::Manifest write_full(std::uint64_t block_count) {
    store::BlockIndexWriter writer(storage_, "main", full, 8192);
    for (std::uint32_t n = 0; n < block_count; ++n) writer.set(n, entry_at(n), {});
    return finish(writer, full, block_count);
  }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-index"};
  tests::FaultyFileSystem files_{directory_.path()};  // without a fault: does not wait for the disk
  store::PosixStorage storage_{directory_.path(), files_};
};

}  // namespace

TEST_F(BlockIndexTest, GivesEachEntryBackAsItWasSet) {
  const store::BlockIndex index(storage_, "main", write_full(3000));
  for (std::uint32_t n = 0; n < 3000; ++n) EXPECT_EQ(index.entry(n), entry_at(n)) << n;
}

// So that memory is not bounded by all that ever went from a chain.
TEST_F(BlockIndexTest, ClosesALeafWhenTheBlocksThatFilesHaveInItCame) {
  const auto manifest = write_full(3000);
  const store::BlockIndex parent(storage_, "main", manifest);
  // Blocks 10 to 1023 were those of files that are gone; 2048 to 2999 are the parent's last.
  store::BlockIndexWriter writer(storage_, "main", incremental, 8192, nullptr,
                                 {&parent, manifest.index_backups, {10, 1024, 952}});
  writer.set(3, entry_at(7777), {});
  for (const std::uint64_t n : {0U, 1U, 2U, 4U, 5U, 6U, 7U, 8U, 9U}) writer.keep(n);
  EXPECT_THROW(writer.keep(9), base::Error) << "its leaf is not closed";
  for (std::uint64_t n = 1024; n < 3000; ++n) writer.keep(n);
  writer.set(3000, entry_at(8888), {});
  const store::BlockIndex index(storage_, "main", finish(writer, incremental, 3001));
  EXPECT_EQ(index.entry(3), entry_at(7777));
  EXPECT_EQ(index.entry(4), entry_at(4));
  EXPECT_EQ(index.entry(2999), entry_at(2999));
  EXPECT_EQ(index.entry(3000), entry_at(8888));
}
