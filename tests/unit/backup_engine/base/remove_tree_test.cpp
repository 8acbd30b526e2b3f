#include "backup_engine/base/remove_tree.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace backup_engine::base {
namespace {

namespace fs = std::filesystem;

class RemoveTree : public testing::Test {
 protected:
  fs::path file(const fs::path& name) {
    const auto path = scratch_.path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "text";
    return path;
  }
  TemporaryDirectory scratch_{fs::temp_directory_path(), "remove-tree"};
};

TEST_F(RemoveTree, TakesEverythingBelow) {
  for (int i = 0; i < 40; ++i) file("tree/a/" + std::to_string(i));
  file("tree/a/b/c/deep");
  file("tree/.hidden");
  fs::create_directories(scratch_.path() / "tree/empty/still empty");
  EXPECT_FALSE(remove_tree(scratch_.path() / "tree"));
  EXPECT_TRUE(fs::is_empty(scratch_.path()));
}

TEST_F(RemoveTree, LeavesWhatALinkPointsTo) {
  const auto outside = file("outside/kept");
  const auto tree = scratch_.path() / "tree";
  fs::create_directory(tree);
  fs::create_directory_symlink(outside.parent_path(), tree / "directory");
  fs::create_symlink(outside, tree / "file");
  fs::create_symlink("nowhere", tree / "dangling");
  EXPECT_FALSE(remove_tree(tree));
  EXPECT_FALSE(fs::exists(tree));
  EXPECT_EQ(read_file(outside), "text");
}

TEST_F(RemoveTree, TakesALinkThatItIsGivenForWhatItIs) {
  const auto outside = file("outside/kept");
  const auto link = scratch_.path() / "link";
  fs::create_directory_symlink(outside.parent_path(), link);
  EXPECT_FALSE(remove_tree(link));
  EXPECT_FALSE(fs::exists(fs::symlink_status(link)));
  EXPECT_TRUE(fs::exists(outside));
}

TEST_F(RemoveTree, FindsNothingWrongWithNothing) {
  EXPECT_FALSE(remove_tree(scratch_.path() / "never made"));
}

TEST_F(RemoveTree, SaysWhatKeptItFromRemoving) {
  EXPECT_TRUE(remove_tree("/proc/self/stat"));  // the kernel keeps it, whoever asks
}

}  // namespace
}  // namespace backup_engine::base
