#include "harness/faults/expendable_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "harness/faults/lose_server.hpp"

namespace harness::faults {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using ::testing::HasSubstr;

class ExpendableDirectoryTest : public ::testing::Test {
 protected:
  ExpendableDirectoryTest() {
    fs::create_directories(work_ / "source" / "base");
    fs::create_directories(outside_);
    backup_engine::base::write_file_atomically(work_ / "source" / "PG_VERSION", "15\n");
    backup_engine::base::write_file_atomically(outside_ / "precious", "keep me");
  }

  // The refusal's message; empty when it was accepted.
  std::string refusal(const fs::path& directory) const {
    try {
      static_cast<void>(ExpendableDirectory::made_by_this_drill(directory, work_));
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::usage || error.kind() == ErrorKind::not_found);
      return error.what();
    }
    return "";
  }

  backup_engine::base::TemporaryDirectory temporary_{fs::temp_directory_path(), "lifeboat-faults"};
  fs::path work_ = temporary_.path() / "work";
  fs::path outside_ = temporary_.path() / "outside";
};

TEST_F(ExpendableDirectoryTest, AcceptsWhatLiesBelowTheWorkDirectory) {
  EXPECT_EQ(refusal(work_ / "source"), "");
  EXPECT_EQ(refusal(work_ / "source" / "base"), "");
}

TEST_F(ExpendableDirectoryTest, RefusesAnythingElse) {
  EXPECT_THAT(refusal(outside_), HasSubstr("does not lie below"));
  EXPECT_THAT(refusal(work_), HasSubstr("does not lie below"));
  EXPECT_THAT(refusal(work_ / "source" / ".." / ".." / "outside"), HasSubstr("does not lie below"));
  EXPECT_THAT(refusal("/"), HasSubstr("does not lie below"));
  EXPECT_THAT(refusal(work_ / "source" / "PG_VERSION"), HasSubstr("no directory"));
  EXPECT_THAT(refusal(work_ / "absent"), HasSubstr("cannot find"));
}

TEST_F(ExpendableDirectoryTest, RefusesALinkThatLeadsOut) {
  fs::create_directory_symlink(outside_, work_ / "link");
  EXPECT_THAT(refusal(work_ / "link"), HasSubstr("through a link"));
}

TEST_F(ExpendableDirectoryTest, LosingADirectoryLeavesWhatItsLinksPointTo) {
  fs::create_directory_symlink(outside_, work_ / "source" / "base" / "link");
  lose_data_directory(ExpendableDirectory::made_by_this_drill(work_ / "source", work_));
  EXPECT_FALSE(fs::exists(work_ / "source"));
  EXPECT_TRUE(fs::exists(outside_ / "precious"));
}

TEST_F(ExpendableDirectoryTest, IsNotLostWhileAServerWorksInIt) {
  // This process stands in for the server: it works in the directory and its number is in the pid file.
  const auto directory = ExpendableDirectory::made_by_this_drill(work_ / "source", work_);
  backup_engine::base::write_file_atomically(work_ / "source" / "postmaster.pid", std::to_string(::getpid()) + "\n");
  const auto before = fs::current_path();
  fs::current_path(work_ / "source");
  EXPECT_THROW(lose_data_directory(directory), Error);
  fs::current_path(before);
  EXPECT_TRUE(fs::exists(work_ / "source" / "PG_VERSION"));
  EXPECT_NO_THROW(lose_data_directory(directory));
}

}  // namespace
}  // namespace harness::faults
