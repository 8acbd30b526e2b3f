#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/parallel.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace store = backup_engine::store;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

class Backup : public ::testing::Test {
 protected:
  Backup() {
    const backup_engine::RepositoryLocation location{(directory_.path() / "repository").string()};
    store::init_repository(location, files_);
    storage_ = store::open_repository(location, files_);
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
  }

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-store"};
  tests::FaultyFileSystem files_{directory_.path()};  // without a fault: does not wait for the disk
  std::unique_ptr<store::Storage> storage_;
};

}  // namespace

TEST_F(Backup, ReadsBackWhatWasPut) {
  for (const auto codec : {backup_engine::Codec::none, backup_engine::Codec::lz4, backup_engine::Codec::zstd}) {
    const auto files = tests::some_files(4096);
    const auto label = tests::put_backup(*storage_, "main", files, {{codec, 1}, 4096, 20'000});
    EXPECT_EQ(tests::read_backup(*storage_, "main", label), files) << store::to_string(codec);
  }
}

TEST_F(Backup, RollsOverToFurtherPacks) {
  const auto label =
      tests::put_backup(*storage_, "main", tests::some_files(4096), {{backup_engine::Codec::none, 0}, 4096, 8192});
  const store::BackupReader reader(*storage_, "main", label);
  EXPECT_GT(reader.manifest().packs.size(), 3U);
  for (const auto& pack : reader.manifest().packs) EXPECT_LT(pack.digest.size_bytes, 8192U + 4096 + 4);
}

TEST_F(Backup, SpansManyLeavesFromManyThreads) {
  store::BackupWriter writer(*storage_, "main", "20260101T000000Z-full",
                             {{backup_engine::Codec::lz4, 0}, 4096, 100'000});
  tests::Contents files;
  for (unsigned i = 0; i < 40; ++i) files["f" + std::to_string(i)] = tests::row_bytes(4096 * 80 + i, i);
  std::vector<std::string> paths;
  for (const auto& [path, bytes] : files) paths.push_back(path);
  backup_engine::base::for_each_in_parallel(4, 4, [&](std::size_t part) {
    const auto blocks = writer.make_block_writer();
    for (auto i = part; i < paths.size(); i += 4) tests::put_file(writer, *blocks, paths[i], files[paths[i]]);
    blocks->finish();
  });
  auto manifest = writer.finish();
  EXPECT_GT(manifest.block_count, 3 * store::leaf_entries);
  tests::describe(manifest);
  writer.publish(manifest);
  EXPECT_EQ(tests::read_backup(*storage_, "main", writer.label()), files);
}

TEST_F(Backup, TakesTheBlocksOfOneFileFromSeveralThreadsInAnyOrder) {
  const auto bytes = tests::row_bytes(4096 * 10, 5);
  store::BackupWriter writer(*storage_, "main", "20260101T000000Z-full", tests::small_layout());
  store::FileEntry entry;
  entry.path = "big";
  entry.size_bytes = bytes.size();
  const auto file = writer.add_file(entry);
  backup_engine::base::for_each_in_parallel(2, 2, [&](std::size_t half) {
    const auto blocks = writer.make_block_writer();
    for (std::size_t n = 10; n-- > 0;) {
      if (n % 2 == half) blocks->put(file, n, std::span(bytes).subspan(n * 4096, 4096));
    }
    blocks->finish();
  });
  writer.finish_file(file, backup_engine::base::crc32c(bytes));
  auto manifest = writer.finish();
  tests::describe(manifest);
  writer.publish(manifest);
  EXPECT_EQ(tests::read_backup(*storage_, "main", writer.label()).at("big"), bytes);
}

TEST_F(Backup, KeepsWhatItKnowsOfEachFile) {
  const auto label = tests::put_backup(*storage_, "main", tests::some_files(4096));
  const store::BackupReader reader(*storage_, "main", label);
  const auto index = reader.files().find("base/1/1000");
  ASSERT_TRUE(index.has_value());
  const auto entry = reader.files().entry(*index);
  EXPECT_EQ(entry.mode, 0600U);
  EXPECT_EQ(entry.modified_ns, 1'700'000'000'123'456'789);
  EXPECT_EQ(entry.crc32c, backup_engine::base::crc32c(tests::some_files(4096).at("base/1/1000")));
  EXPECT_EQ(reader.files().entry(*reader.files().find("base")).kind, store::FileKind::directory);
  EXPECT_FALSE(reader.files().find("base/1/100").has_value());
}

TEST_F(Backup, StoresNothingForBlocksOfZeros) {
  const auto label = tests::put_backup(*storage_, "main", {{"zeros", tests::Bytes(64 * 4096)}});
  const store::BackupReader reader(*storage_, "main", label);
  EXPECT_TRUE(reader.manifest().packs.empty());
  EXPECT_TRUE(reader.is_zero_block(reader.files().entry(*reader.files().find("zeros")), 63));
}

TEST_F(Backup, IsInvisibleUntilPublishedAndGoneWhenAbandoned) {
  {
    store::BackupWriter writer(*storage_, "main", "20260101T000000Z-full", tests::small_layout());
    const auto blocks = writer.make_block_writer();
    tests::put_file(writer, *blocks, "file", tests::random_bytes(60'000, 1));
    blocks->finish();
    const auto manifest = writer.finish();
    EXPECT_THAT(store::list_backup_labels(*storage_, "main"), ::testing::IsEmpty());
    EXPECT_THROW(store::BackupReader(*storage_, "main", writer.label()), Error);
  }
  EXPECT_THAT(storage_->list(store::backups_prefix("main")), ::testing::IsEmpty());
  EXPECT_THAT(storage_->list_debris(""), ::testing::IsEmpty());
}

TEST_F(Backup, RefusesToFinishWithAFileHalfPut) {
  store::BackupWriter writer(*storage_, "main", "20260101T000000Z-full", tests::small_layout());
  const auto blocks = writer.make_block_writer();
  store::FileEntry entry;
  entry.path = "half";
  entry.size_bytes = 8192;
  const auto file = writer.add_file(entry);
  blocks->put(file, 0, tests::row_bytes(4096, 2));
  EXPECT_THROW(writer.finish_file(file, 0), Error);
  EXPECT_THROW(blocks->put(file, 1, tests::row_bytes(100, 2)), Error);
  EXPECT_THROW(blocks->put(file, 2, tests::row_bytes(4096, 2)), Error);
  blocks->finish();
  EXPECT_THROW(static_cast<void>(writer.finish()), Error);
}

TEST_F(Backup, IsNotPublishedWithoutItsPacks) {
  store::BackupWriter writer(*storage_, "main", "20260101T000000Z-full", tests::small_layout());
  const auto blocks = writer.make_block_writer();
  tests::put_file(writer, *blocks, "file", tests::random_bytes(5000, 1));
  blocks->finish();
  auto manifest = writer.finish();
  tests::describe(manifest);
  storage_->remove(store::pack_name("main", writer.label(), 0));
  try {
    writer.publish(manifest);
    FAIL() << "was published";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("packs/00000000.pack"));
  }
  EXPECT_THAT(store::list_backup_labels(*storage_, "main"), ::testing::IsEmpty());
}
