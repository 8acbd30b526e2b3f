// The list of a template's files; needs no server.
#include "harness/provision/file_list.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::provision {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

class FileList : public testing::Test {
 protected:
  FileList() {
    fs::create_directories(from() / "base" / "1");
    std::ofstream(from() / "base" / "1" / "112") << "content";
    std::ofstream(from() / "PG_VERSION") << "15\n";
    fs::create_directory(from() / "empty");
    fs::permissions(from() / "PG_VERSION", fs::perms::owner_read | fs::perms::owner_write);
  }
  fs::path from() const { return directory_.path() / "from"; }
  fs::path to() const { return directory_.path() / "to"; }
  std::vector<FileEntry> list() const {
    return list_files(from(), [](const std::string&) { return true; });
  }
  ErrorKind copy_error(const std::vector<FileEntry>& wanted) const {
    try {
      copy_files(wanted, from(), to(), std::nullopt);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  }

  backup_engine::base::TemporaryDirectory directory_{fs::temp_directory_path(), "file-list-test"};
};

TEST_F(FileList, CopiesTreeContentAndModes) {
  copy_files(list(), from(), to(), std::nullopt);
  EXPECT_EQ(backup_engine::base::read_file(to() / "base" / "1" / "112"), "content");
  EXPECT_TRUE(fs::is_directory(to() / "empty"));
  EXPECT_EQ(fs::status(to() / "PG_VERSION").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(FileList, SurvivesItsText) {
  const auto parsed = parse_file_list(to_text(list()));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(to_text(*parsed), to_text(list()));
}

TEST_F(FileList, IsRefusedWhenCutShortAnywhere) {
  const auto text = to_text(list());
  for (std::size_t length = 0; length + 2 < text.size(); ++length) {
    EXPECT_FALSE(parse_file_list(text.substr(0, length)).has_value()) << text.substr(0, length);
  }
}

TEST_F(FileList, NoticesAChangedByte) {
  const auto wanted = list();
  std::ofstream(from() / "base" / "1" / "112") << "cOntent";
  EXPECT_EQ(copy_error(wanted), ErrorKind::corrupt);
}

TEST_F(FileList, NoticesAMissingFile) {
  const auto wanted = list();
  fs::remove(from() / "PG_VERSION");
  EXPECT_EQ(copy_error(wanted), ErrorKind::not_found);
}

TEST_F(FileList, LeavesOutWhatIsNotWanted) {
  const auto some = list_files(from(), [](const std::string& path) { return path.rfind("base/", 0) != 0; });
  copy_files(some, from(), to(), std::nullopt);
  EXPECT_TRUE(fs::is_directory(to() / "base" / "1"));
  EXPECT_FALSE(fs::exists(to() / "base" / "1" / "112"));
}

TEST_F(FileList, RefusesLinks) {
  fs::create_symlink("/etc/passwd", from() / "link");
  EXPECT_THROW((void)list(), Error);
}

}  // namespace
}  // namespace harness::provision
