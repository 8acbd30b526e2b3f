#include "harness/drill/drill_directory.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::drill {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

class DrillDirectories : public testing::Test {
 protected:
  template <typename Work>
  static Error refusal(const Work& work) {
    try {
      work();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was refused";
    return {ErrorKind::internal, ""};
  }
  fs::path drill(const std::string& start) const { return scratch_.path() / "drills" / "scenario" / start; }
  backup_engine::base::TemporaryDirectory scratch_{fs::temp_directory_path(), "drill-directory"};
};

TEST_F(DrillDirectories, AreMadeWithTheirFolders) {
  const auto made = DrillDirectory::create(drill("20261120T021500Z"));
  EXPECT_TRUE(fs::is_directory(made.path() / "evidence" / "marks"));
  EXPECT_TRUE(fs::is_directory(made.path() / "logs"));
}

TEST_F(DrillDirectories, AreNeverMadeOverAnotherDrill) {
  const auto first = DrillDirectory::create(drill("20261120T021500Z"));
  const auto refused = refusal([&] { (void)DrillDirectory::create(first.path()); });
  EXPECT_EQ(refused.kind(), ErrorKind::already_exists);
  EXPECT_THAT(refused.what(), testing::HasSubstr(first.path().string()));
}

TEST_F(DrillDirectories, HaveTheNextFreeNameWhenAnotherBeganInTheSameSecond) {
  const auto wanted = drill("20261120T021500Z");
  EXPECT_EQ(DrillDirectory::claim(wanted), wanted);
  const auto first = DrillDirectory::create(wanted);
  EXPECT_EQ(DrillDirectory::claim(wanted), drill("20261120T021500Z-2"));
  EXPECT_EQ(DrillDirectory::claim(wanted), drill("20261120T021500Z-3"));
  EXPECT_TRUE(fs::is_directory(DrillDirectory::create(drill("20261120T021500Z-2")).marks()));
}

TEST_F(DrillDirectories, AreRecognisedByTheirPlan) {
  const auto made = DrillDirectory::create(drill("20261120T021500Z"));
  EXPECT_EQ(refusal([&] { (void)DrillDirectory::open(made.path()); }).kind(), ErrorKind::not_found);
  std::ofstream(made.plan()) << "{}";
  EXPECT_EQ(DrillDirectory::open(made.path()).path(), made.path());
}

TEST_F(DrillDirectories, LatestLeadsToTheNewest) {
  const auto latest = scratch_.path() / "drills" / "scenario" / "latest";
  DrillDirectory::create(drill("20261120T021500Z")).publish_as_latest();
  EXPECT_EQ(fs::read_symlink(latest), "20261120T021500Z");
  DrillDirectory::create(drill("20261121T021500Z")).publish_as_latest();
  EXPECT_EQ(fs::read_symlink(latest), "20261121T021500Z");
}

}  // namespace
}  // namespace harness::drill
