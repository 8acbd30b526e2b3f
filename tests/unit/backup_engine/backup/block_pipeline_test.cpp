// Files handed over in odd pieces are stored whole by several threads, and a failing thread is heard.
#include "backup_engine/backup/block_pipeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "tests/support/failure.hpp"

namespace backup_engine::backup {
namespace {

class StoreStream : public testing::Test {
 protected:
  StoreStream() {
    init_repository({repository()});
    storage_ = store::open_repository({repository()});
    store::open_or_create_cluster(*storage_, "main", {42, 15, {}, true});
    writer_.emplace(*storage_, "main", "20261121T000000Z-full", store::BackupLayout{});
  }
  [[nodiscard]] std::string repository() const { return (directory_.path() / "repository").string(); }
  static std::string random_text(std::size_t size) {
    std::mt19937_64 random(size);
    std::string text(size, '\0');
    for (auto& c : text) c = static_cast<char>(random() & 0xFFU);
    return text;
  }
  static void send(BlockPipeline& pipeline, const std::string& path, const std::string& text,
                   std::optional<std::uint32_t> first_block = std::nullopt) {
    store::FileEntry entry;
    entry.path = path;
    entry.size_bytes = text.size();
    pipeline.begin_file(entry, first_block);
    const auto bytes = std::as_bytes(std::span(text));
    for (std::size_t at = 0, piece = 1; at < bytes.size(); at += piece, piece = piece * 3 + 1) {
      pipeline.append(bytes.subspan(at, std::min(piece, bytes.size() - at)));
    }
    pipeline.end_file();
  }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-test"};
  std::unique_ptr<store::Storage> storage_;
  std::optional<store::BackupWriter> writer_;
};

TEST_F(StoreStream, KeepsSizeAndChecksumOfEveryFile) {
  std::map<std::string, std::string> files = {{"empty", ""}, {"small", "x"}, {"zeros", std::string(3'000'000, '\0')}};
  for (const std::size_t size : {65'536U, 1U << 20U, (1U << 20U) + 1, 7'654'321U})
    files[std::to_string(size)] = random_text(size);
  BlockPipeline pipeline(*writer_, 3);
  for (const auto& [path, text] : files) send(pipeline, path, text);
  const auto stored = pipeline.finish();
  ASSERT_EQ(stored.files.size(), files.size());
  auto expected = files.begin();
  for (const auto& file : stored.files) {
    const auto& [path, text] = *expected++;
    EXPECT_EQ(file.path, path);
    EXPECT_EQ(file.size_bytes, text.size());
    EXPECT_EQ(file.crc32c, base::crc32c(std::as_bytes(std::span(text)))) << path;
  }
  EXPECT_EQ(writer_->finish().summary.file_count, files.size());
}

TEST_F(StoreStream, SuspectsPagesWithoutTheirChecksum) {
  // The third page of the second piece, in the relation's second segment file.
  std::string pages(2U << 20U, '\0');
  pages[(1U << 20U) + 2 * 8192 + 100] = 'x';
  BlockPipeline pipeline(*writer_, 2);
  send(pipeline, "base/1/2.1", pages, 131072);
  send(pipeline, "not a relation", pages);
  const auto suspects = pipeline.finish().suspects;
  ASSERT_EQ(suspects.size(), 1U);
  EXPECT_EQ(suspects[0].file, "base/1/2.1");
  EXPECT_EQ(suspects[0].page, 130U);
}

TEST_F(StoreStream, RefusesAFileThatIsShorterThanItWasSaidToBe) {
  BlockPipeline pipeline(*writer_, 1);
  store::FileEntry entry;
  entry.path = "short";
  entry.size_bytes = 100;
  pipeline.begin_file(entry, std::nullopt);
  pipeline.append(std::as_bytes(std::span("only this", 9)));
  pipeline.end_file();
  EXPECT_EQ(tests::kind_of_failure([&] { static_cast<void>(pipeline.finish()); }), base::ErrorKind::internal);
}

TEST_F(StoreStream, CanBeAbandonedInMidFile) {
  BlockPipeline pipeline(*writer_, 2);
  store::FileEntry entry;
  entry.path = "long";
  entry.size_bytes = 50U << 20U;
  pipeline.begin_file(entry, std::nullopt);
  const auto some = random_text(5U << 20U);
  pipeline.append(std::as_bytes(std::span(some)));
}

}  // namespace
}  // namespace backup_engine::backup
