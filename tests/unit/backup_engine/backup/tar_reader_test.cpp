// Archives as GNU tar writes them in three formats, fed in pieces of any size, and what is none.
#include "backup_engine/backup/tar_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "harness/process/subprocess.hpp"
#include "tests/support/failure.hpp"

namespace backup_engine::backup {
namespace {

namespace fs = std::filesystem;
using base::ErrorKind;
using testing::Contains;
using testing::Key;

class Collected final : public TarSink {
 public:
  struct Item {
    TarEntry entry;
    std::string text;
    bool ended = false;
  };
  void begin(const TarEntry& entry) override {
    ASSERT_FALSE(items_.contains(entry.path)) << entry.path;
    open_ = &items_[entry.path];
    open_->entry = entry;
  }
  void data(std::span<const std::byte> bytes) override {
    open_->text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void end() override { open_->ended = true; }

  std::map<std::string, Item> items_;

 private:
  Item* open_ = nullptr;
};

std::map<std::string, Collected::Item> read(const std::string& archive, std::size_t piece_bytes) {
  Collected collected;
  TarReader reader(collected);
  const auto bytes = std::as_bytes(std::span(archive));
  for (std::size_t at = 0; at < bytes.size(); at += piece_bytes) {
    reader.feed(bytes.subspan(at, std::min(piece_bytes, bytes.size() - at)));
  }
  reader.finish();
  return collected.items_;
}

class ReadTar : public testing::Test {
 protected:
  ReadTar() {
    fs::create_directories(tree() / "base" / "1");
    write("base/1/1259", std::string(8192, 'p'));
    write("base/1/empty", "");
    write("odd", "513 bytes" + std::string(504, '.'));
    write(long_name_, "long");
    fs::create_symlink("/srv/fast", tree() / "link");
    fs::permissions(tree() / "odd", fs::perms(0640));
  }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((tree() / path).parent_path());
    std::ofstream(tree() / path, std::ios::binary) << text;
  }
  [[nodiscard]] std::string archive_of(const std::string& format) const {
    harness::process::Command command;
    command.program = "/usr/bin/tar";
    command.arguments = {
        "--format=" + format, "-C",         tree().string(),       "-cf", (directory_.path() / "a.tar").string(),
        "--owner=123456",     "--group=70", "--mtime=@1763600000", "."};
    const auto done = harness::process::run(command, base::Deadline::after(std::chrono::seconds(20)));
    EXPECT_TRUE(done.status.success()) << done.output;
    return base::read_file(directory_.path() / "a.tar");
  }
  [[nodiscard]] fs::path tree() const { return directory_.path() / "tree"; }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-test"};
  const std::string long_name_ = std::string(90, 'd') + "/" + std::string(90, 'f');
};

TEST_F(ReadTar, FindsEveryEntryInEveryFormatAndInPiecesOfAnySize) {
  for (const auto* const format : {"ustar", "gnu", "pax"}) {
    const auto archive = archive_of(format);
    for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{511}, std::size_t{32768}, archive.size()}) {
      const auto items = read(archive, piece_bytes);
      ASSERT_EQ(items.size(), 9U) << format << " in pieces of " << piece_bytes;
      EXPECT_EQ(items.at("base/1/1259").text, std::string(8192, 'p'));
      EXPECT_EQ(items.at("base/1/empty").text, "");
      EXPECT_TRUE(items.at("base/1/empty").ended);
      EXPECT_EQ(items.at("odd").entry.size_bytes, 513U);
      EXPECT_EQ(items.at("odd").text.size(), 513U);
      EXPECT_EQ(items.at("odd").entry.mode, 0640U);
      EXPECT_EQ(items.at("odd").entry.uid, 123456U);
      EXPECT_EQ(items.at("odd").entry.gid, 70U);
      EXPECT_EQ(items.at("odd").entry.modified_seconds, 1763600000);
      EXPECT_EQ(items.at("base/1").entry.kind, TarKind::directory);
      EXPECT_EQ(items.at("link").entry.kind, TarKind::symlink);
      EXPECT_EQ(items.at("link").entry.link_target, "/srv/fast");
      EXPECT_EQ(items.at(long_name_).text, "long") << format;
    }
  }
}

TEST_F(ReadTar, ReadsNumbersThatNeedMoreThanOctalDigits) {
  auto header = archive_of("gnu");
  // As PostgreSQL and GNU write a user id past 2097151: the first bit, then the number big-endian.
  const auto at = header.find("./odd");
  ASSERT_NE(at, std::string::npos);
  const std::string uid{'\x80', 0, 0, 0, 0, '\x30', 0, '\x01'};
  header.replace(at + 108, 8, uid);
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) {
    sum += i >= 148 && i < 156 ? 0x20U : static_cast<unsigned>(static_cast<unsigned char>(header[at + i]));
  }
  std::string digits(8, '\0');
  for (int i = 6; i-- > 0; sum /= 8) digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + sum % 8);
  header.replace(at + 148, 8, digits);
  EXPECT_EQ(read(header, 4096).at("odd").entry.uid, 0x300001U);
}

TEST_F(ReadTar, NeedsNoEndAndBearsPadding) {
  const auto archive = archive_of("gnu");
  EXPECT_EQ(read(archive + std::string(10240, '\0'), 1000).size(), 9U);
  EXPECT_TRUE(read("", 1).empty());
  EXPECT_TRUE(read(std::string(1024, '\0'), 512).empty());
}

TEST_F(ReadTar, RefusesWhatIsNoArchiveOrOnlyAPartOfOne) {
  const auto archive = archive_of("gnu");
  auto flipped = archive;
  flipped[archive.find("./odd") + 3] = 'X';
  for (const auto& bad : {archive.substr(0, 100), archive.substr(0, archive.find("pppp") + 50), flipped,
                          std::string(512, 'x'), std::string(512, '\0') + archive}) {
    EXPECT_EQ(tests::kind_of_failure([&] { static_cast<void>(read(bad, 333)); }), ErrorKind::corrupt);
  }
}

TEST_F(ReadTar, RefusesAnEntryThatIsNeitherFileNorDirectoryNorLink) {
  fs::create_hard_link(tree() / "odd", tree() / "zodd");
  std::string message;
  EXPECT_EQ(tests::kind_of_failure([&] { static_cast<void>(read(archive_of("ustar"), 512)); }, &message),
            ErrorKind::unsupported);
  EXPECT_THAT(message, testing::HasSubstr("odd"));
}

}  // namespace
}  // namespace backup_engine::backup
