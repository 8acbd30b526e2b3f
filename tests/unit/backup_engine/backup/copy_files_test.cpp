// Files that change between being listed and being read, and big ones in pieces; stored and read back.
#include "backup_engine/backup/copy_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <mutex>
#include <random>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/repository_store.hpp"

namespace backup_engine::backup {
namespace {

namespace fs = std::filesystem;

class CopyFiles : public testing::Test {
 protected:
  CopyFiles() {
    fs::create_directories(data() / "base" / "1");
    init_repository({(directory_.path() / "repository").string()});
    storage_ = store::open_repository({(directory_.path() / "repository").string()});
    store::open_or_create_cluster(*storage_, "main", {42, 15, {}, true});
  }
  void write(const std::string& path, const std::string& text) {
    std::ofstream(data() / path, std::ios::binary) << text;
  }
  static std::string random_text(std::size_t size) {
    std::mt19937_64 random(size);
    std::string text(size, '\0');
    for (auto& c : text) c = static_cast<char>(random() & 0xFFU);
    return text;
  }

  // Copies `listed` and publishes.
  CopiedFiles copy(const SourceListing& listed, const CopyOptions& options = {.jobs = 3}) {
    label_ = store::new_backup_label(*storage_, "main", BackupType::full, base::utc_now());
    store::BackupWriter writer(*storage_, "main", label_, {});
    base::NoProgress progress;
    auto copied = copy_files(listed, writer, options, progress, {});
    auto manifest = writer.finish();
    manifest.summary.cluster = "main";
    manifest.summary.label = label_;
    manifest.summary.postgres_major = 15;
    manifest.summary.system_identifier = 42;
    writer.publish(manifest);
    return copied;
  }
  [[nodiscard]] SourceListing list() const { return list_source(data(), "PG_15_202209061"); }
  // What the backup holds under `path`; its CRC is checked against the file table's.
  std::string stored(const std::string& path) {
    const store::BackupReader reader(*storage_, "main", label_);
    const auto index = reader.files().find(path);
    if (!index) return "(not there)";
    const auto entry = reader.files().entry(*index);
    std::vector<std::byte> bytes(entry.size_bytes);
    if (!bytes.empty()) reader.read_blocks(entry, 0, reader.block_count(entry), bytes);
    EXPECT_EQ(entry.crc32c, base::crc32c(bytes)) << path;
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  [[nodiscard]] fs::path data() const { return directory_.path() / "data"; }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-test"};
  std::unique_ptr<store::Storage> storage_;
  std::string label_;
};

TEST_F(CopyFiles, ReadsNoFasterThanItsPace) {
  write("big", random_text(5'000'000));
  write("small", random_text(250'000));
  constexpr base::Pace::Clock::time_point start{std::chrono::hours(1)};
  std::mutex mutex;
  auto until = start;  // when the last byte may have been read
  base::Pace pace(1'000'000, {},
                  {[] { return start; },
                   [&](base::Pace::Clock::time_point at, const auto&) {
                     const std::lock_guard lock(mutex);
                     until = std::max(until, at);
                   }});
  copy(list(), {.jobs = 2, .pace = &pace});
  EXPECT_EQ(until, start + std::chrono::seconds(5)) << "5.25 MB at 1 MB/s, a quarter of a second was saved up";
}

TEST_F(CopyFiles, PutsABigFileTogetherFromItsPieces) {
  const auto big = random_text(5'000'123), small = random_text(10);
  write("big", big);
  write("small", small);
  write("empty", "");
  const auto copied = copy(list(), {.jobs = 3, .verify_pages = false, .piece_bytes = 1 << 20});
  EXPECT_TRUE(stored("big") == big);
  EXPECT_EQ(stored("small"), small);
  EXPECT_EQ(stored("empty"), "");
  ASSERT_EQ(copied.files.size(), 3U);
  EXPECT_EQ(copied.files[0].path, "big");
  EXPECT_EQ(copied.files[0].crc32c, base::crc32c(std::as_bytes(std::span(big))));
  EXPECT_EQ(copied.files[0].size_bytes, big.size());
}

// No WAL puts it right, and PostgreSQL does not start with half a line, or with zeros at the end.
TEST_F(CopyFiles, ReadsConfigurationAsItIsByThen) {
  write("postgresql.auto.conf", "work_mem = '64MB'\nmax_wal_size = '2GB'\n");
  write("pg_hba.conf", "local all all trust\n");
  write("gone.conf", "work_mem = '64MB'\n");
  const auto listed = list();
  const std::string shorter = "work_mem = '64MB'\n", longer = "local all all trust\nlocal replication all trust\n";
  write("next", shorter);
  fs::rename(data() / "next", data() / "postgresql.auto.conf");
  write("pg_hba.conf", longer);
  fs::remove(data() / "gone.conf");
  const auto copied = copy(listed);
  EXPECT_EQ(stored("postgresql.auto.conf"), shorter);
  EXPECT_EQ(stored("pg_hba.conf"), longer);
  EXPECT_EQ(stored("gone.conf"), "(not there)");
  ASSERT_EQ(copied.files.size(), 2U);
  for (const auto& file : copied.files) {
    EXPECT_EQ(file.size_bytes, file.path == "pg_hba.conf" ? longer.size() : shorter.size()) << "for backup_manifest";
  }
}

TEST_F(CopyFiles, PadsAFileThatShrankSinceItWasListed) {
  const auto text = random_text(300'000);
  write("base/1/1259", text);
  const auto listed = list();
  fs::resize_file(data() / "base/1/1259", 100'000);
  copy(listed);
  EXPECT_TRUE(stored("base/1/1259") == text.substr(0, 100'000) + std::string(200'000, '\0'));
}

TEST_F(CopyFiles, ReadsAFileThatGrewToItsListedSize) {
  write("base/1/1259", "listed");
  const auto listed = list();
  write("base/1/1259", "listed and more");
  copy(listed);
  EXPECT_EQ(stored("base/1/1259"), "listed");
}

TEST_F(CopyFiles, LeavesOutAFileThatVanished) {
  const auto big = random_text(3'000'000);
  write("vanishing", big);
  write("staying", "here");
  const auto listed = list();
  fs::remove(data() / "vanishing");
  const auto copied = copy(listed, {.jobs = 2, .verify_pages = false, .piece_bytes = 1 << 20});
  ASSERT_EQ(copied.files.size(), 1U);
  EXPECT_EQ(copied.files[0].path, "staying");
  EXPECT_EQ(stored("vanishing"), "(not there)");
  EXPECT_EQ(stored("staying"), "here");
}

TEST_F(CopyFiles, RemembersWrongPagesOfRelationsOnly) {
  const auto text = random_text(3 * 8192);
  write("base/1/1259", text);
  write("notes", text);
  const auto copied = copy(list(), {.jobs = 1, .verify_pages = true});
  ASSERT_EQ(copied.suspects.size(), 3U);
  EXPECT_EQ(copied.suspects[1].file, "base/1/1259");
  EXPECT_EQ(copied.suspects[1].page, 1U);
  EXPECT_TRUE(stored("base/1/1259") == text) << "damaged pages are stored as they are";
  EXPECT_TRUE(copy(list(), {.jobs = 1, .verify_pages = false}).suspects.empty());
}

TEST_F(CopyFiles, SaysWhichFileCannotBeRead) {
  write("secret", "text");
  const auto listed = list();
  fs::remove(data() / "secret");
  fs::create_symlink("secret", data() / "secret");  // cannot be opened, whoever asks
  try {
    static_cast<void>(copy(listed));
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("secret"));
  }
  EXPECT_TRUE(store::list_backup_labels(*storage_, "main").empty());
}

}  // namespace
}  // namespace backup_engine::backup
