// The instrument first: a fault that does not strike would make every fault test pass.
#include "tests/fault/faulty_file_system.hpp"

#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace base = backup_engine::base;
using tests::Fault;
using tests::FaultyFileSystem;

namespace {

class Faulty : public ::testing::Test {
 protected:
  void write(FaultyFileSystem& files, const char* name, bool synced) {
    const auto file = files.create(root() / name, 0600);
    file->write_at(0, std::as_bytes(std::span("12345678", 8)));
    if (synced) file->sync();
    file->close();
  }
  [[nodiscard]] std::filesystem::path root() const { return directory_.path(); }
  [[nodiscard]] bool exists(const char* name) const { return std::filesystem::exists(root() / name); }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-faulty"};
};

}  // namespace

TEST_F(Faulty, LosesNamesThatWereNotSynced) {
  FaultyFileSystem files(root());
  write(files, "kept", true);
  files.sync_directory(root());
  write(files, "lost", true);
  files.lose_power();
  EXPECT_EQ(base::read_file(root() / "kept"), "12345678");
  EXPECT_FALSE(exists("lost"));
}

TEST_F(Faulty, LosesContentsThatWereNotSynced) {
  FaultyFileSystem files(root());
  write(files, "empty", false);
  files.sync_directory(root());
  files.lose_power();
  EXPECT_EQ(base::read_file(root() / "empty"), "");
}

TEST_F(Faulty, UndoesARenameWhoseDirectoryWasNotSynced) {
  FaultyFileSystem files(root());
  write(files, "old", true);
  files.sync_directory(root());
  files.rename(root() / "old", root() / "new");
  files.lose_power();
  EXPECT_TRUE(exists("old"));
  EXPECT_FALSE(exists("new"));
}

TEST_F(Faulty, KeepsARenameButNotTheContentsWhenNamesSurvive) {
  FaultyFileSystem files(root());
  write(files, "old", false);
  files.rename(root() / "old", root() / "new");
  files.lose_power(Fault::power_loss_keeping_names);
  EXPECT_EQ(base::read_file(root() / "new"), "");
}

TEST_F(Faulty, SyncsAFileThatWasRenamedWhileOpen) {
  FaultyFileSystem files(root());
  const auto file = files.create(root() / "old", 0600);
  file->write_at(0, std::as_bytes(std::span("abc", 3)));
  files.rename(root() / "old", root() / "new");
  file->sync();
  files.sync_directory(root());
  files.lose_power();
  EXPECT_EQ(base::read_file(root() / "new"), "abc");
}

TEST_F(Faulty, LosesADirectoryWithAllInItWhenItsParentWasNotSynced) {
  FaultyFileSystem files(root());
  files.create_directory(root() / "d", 0700);
  write(files, "d/file", true);
  files.sync_directory(root() / "d");
  files.lose_power();
  EXPECT_FALSE(exists("d"));
}

// The sync of either side makes the whole rename durable: a directory has one name.
TEST_F(Faulty, KeepsADirectoryThatWasRenamedIntoAnotherUnderOneName) {
  for (const auto* const synced : {"to", "from"}) {
    FaultyFileSystem files(root());
    for (const auto* const name : {"from", "to"}) files.create_directory(root() / name, 0700);
    files.create_directory(root() / "from/d", 0700);
    write(files, "from/d/file", true);
    for (const auto* const name : {"from/d", "from", "."}) files.sync_directory(root() / name);
    files.rename(root() / "from/d", root() / "to/e");
    files.sync_directory(root() / synced);
    files.lose_power();
    EXPECT_FALSE(exists("from/d"));
    EXPECT_TRUE(exists("to/e/file"));
    std::filesystem::remove_all(root() / "from");
    std::filesystem::remove_all(root() / "to");
  }
}

TEST_F(Faulty, StrikesOnceAtTheChosenOperation) {
  FaultyFileSystem files(root());
  files.strike_at(2, Fault::fail);
  EXPECT_THROW(write(files, "first", true), base::Error);
  EXPECT_NO_THROW(write(files, "second", true));
  EXPECT_EQ(files.operations(), 2U + 4U);
}

// Another's sync was told of the loss in between.
TEST_F(Faulty, TellsOfALossInWritingBackWhoHeldTheFileSystemBefore) {
  FaultyFileSystem files(root());
  const auto before = files.hold(root());
  write(files, "lost", false);
  files.strike_at(files.operations() + 1, Fault::lost_write_back);
  EXPECT_NO_THROW(write(files, "behind", false));
  const auto afterwards = files.hold(root());
  EXPECT_NO_THROW(afterwards->sync());
  EXPECT_THROW(before->sync(), base::Error);
  files.lose_power();
  EXPECT_EQ(base::read_file(root() / "lost"), "");
  EXPECT_EQ(base::read_file(root() / "behind"), "12345678");
}

TEST_F(Faulty, WritesHalfAndThenStaysFull) {
  FaultyFileSystem files(root());
  files.strike_at(2, Fault::no_space);
  EXPECT_THROW(write(files, "half", true), base::Error);
  EXPECT_EQ(base::read_file(root() / "half"), "1234");
  EXPECT_THROW(write(files, "next", true), base::Error);
  EXPECT_NO_THROW(files.remove(root() / "half"));
}

TEST_F(Faulty, IsDeadAfterAKillAndLosesNothing) {
  FaultyFileSystem files(root());
  files.strike_at(5, Fault::killed);
  write(files, "there", false);
  EXPECT_THROW(write(files, "not", false), base::Error);
  EXPECT_THROW(files.remove(root() / "there"), base::Error);
  EXPECT_EQ(base::read_file(root() / "there"), "12345678");
}
