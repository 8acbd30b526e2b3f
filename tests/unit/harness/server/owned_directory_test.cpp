#include "harness/server/owned_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::server {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::read_file;
using testing::ElementsAre;
using testing::IsEmpty;

class OwnedDirectoryTest : public testing::Test {
 protected:
  // A directory as a Lifeboat left it that is dead by now: only the marker's start differs from ours.
  fs::path leave_behind() const {
    auto directory = OwnedDirectory::create(parent_.path(), std::nullopt);
    auto marker = read_file(directory.path() / ".lifeboat-owner");
    const auto at = marker.find("started ");
    marker.replace(at, marker.find('\n', at) - at, "started 1");
    const auto place = directory.path();
    directory.keep();
    backup_engine::base::write_file_atomically(place / ".lifeboat-owner", marker);
    return place;
  }

  backup_engine::base::TemporaryDirectory parent_{fs::temp_directory_path(), "owned-directory-test"};
};

TEST_F(OwnedDirectoryTest, IsPrivateAndGoesWithItsOwner) {
  fs::path place;
  {
    const auto directory = OwnedDirectory::create(parent_.path(), std::nullopt);
    place = directory.path();
    EXPECT_EQ(fs::status(place).permissions(), fs::perms::owner_all);
    std::ofstream(place / "file") << "text";
  }
  EXPECT_FALSE(fs::exists(place));
}

TEST_F(OwnedDirectoryTest, StaysWhenKeptAndIsNoLeftover) {
  fs::path place;
  {
    auto directory = OwnedDirectory::create(parent_.path(), std::nullopt);
    place = directory.path();
    directory.keep();
    EXPECT_EQ(directory.path(), place);
  }
  EXPECT_THAT(reclaim_abandoned(parent_.path()).removed, IsEmpty());
  EXPECT_TRUE(fs::exists(place));
}

TEST_F(OwnedDirectoryTest, GoesAtOnceWhenRemoved) {
  auto directory = OwnedDirectory::create(parent_.path(), std::nullopt);
  EXPECT_EQ(directory.remove(), "");
  EXPECT_FALSE(fs::exists(directory.path()));
}

TEST_F(OwnedDirectoryTest, IsReclaimedWhenItsMakerIsDead) {
  const auto place = leave_behind();
  std::ofstream(place / "file") << "text";
  EXPECT_THAT(reclaim_abandoned(parent_.path()).removed, ElementsAre(place));
  EXPECT_FALSE(fs::exists(place));
}

TEST_F(OwnedDirectoryTest, IsReclaimedAfterARestartOfTheMachine) {
  const auto place = leave_behind();
  auto marker = read_file(place / ".lifeboat-owner");
  marker.replace(marker.find("boot ") + 5, 8, "00000000");
  backup_engine::base::write_file_atomically(place / ".lifeboat-owner", marker);
  EXPECT_THAT(reclaim_abandoned(parent_.path()).removed, ElementsAre(place));
}

TEST_F(OwnedDirectoryTest, IsLeftAloneWhileItsMakerLives) {
  const auto directory = OwnedDirectory::create(parent_.path(), std::nullopt);
  EXPECT_THAT(reclaim_abandoned(parent_.path()).removed, IsEmpty());
  EXPECT_TRUE(fs::exists(directory.path()));
}

TEST_F(OwnedDirectoryTest, IsLeftAloneInAnotherPidNamespace) {
  const auto place = leave_behind();
  auto marker = read_file(place / ".lifeboat-owner");
  marker.replace(marker.find("pid:["), std::string::npos, "pid:[1]\n");
  backup_engine::base::write_file_atomically(place / ".lifeboat-owner", marker);
  EXPECT_THAT(reclaim_abandoned(parent_.path()).removed, IsEmpty());
}

TEST_F(OwnedDirectoryTest, ReclaimsNothingThatLifeboatDidNotMake) {
  const auto without_marker = parent_.path() / "lifeboat-AAAAAA";
  const auto broken_marker = parent_.path() / "lifeboat-BBBBBB";
  const auto other_name = parent_.path() / "production";
  const auto left = leave_behind();
  for (const auto& place : {without_marker, broken_marker, other_name}) {
    fs::create_directory(place);
    std::ofstream(place / "precious") << "keep me";
  }
  std::ofstream(broken_marker / ".lifeboat-owner") << "lifeboat-owner 1\npid nobody\n";
  fs::copy_file(left / ".lifeboat-owner", other_name / ".lifeboat-owner");
  EXPECT_THAT(reclaim_abandoned(parent_.path()).removed, ElementsAre(left));
  for (const auto& place : {without_marker, broken_marker, other_name}) {
    EXPECT_TRUE(fs::exists(place / "precious")) << place;
  }
}

TEST_F(OwnedDirectoryTest, FollowsNoLinks) {
  const auto outside = parent_.path() / "outside";
  fs::create_directory(outside);
  std::ofstream(outside / "precious") << "keep me";
  const auto left = leave_behind();
  fs::create_directory_symlink(outside, left / "link");
  fs::copy_file(left / ".lifeboat-owner", outside / ".lifeboat-owner");
  fs::create_directory_symlink(outside, parent_.path() / "lifeboat-LINKED");
  EXPECT_THAT(reclaim_abandoned(parent_.path()).removed, ElementsAre(left));
  EXPECT_TRUE(fs::exists(outside / "precious"));
}

TEST_F(OwnedDirectoryTest, FindsNothingBelowAnAbsentParent) {
  EXPECT_THAT(reclaim_abandoned("/does/not/exist").removed, IsEmpty());
}

}  // namespace
}  // namespace harness::server
