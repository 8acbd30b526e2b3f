#include "harness/process/volume.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::process {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::read_file;
using backup_engine::base::TemporaryDirectory;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t size_bytes = 1U << 20U;

// Root may make one anywhere, others where the kernel lets them have user namespaces.
class Volumes : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(why_no_volume(), ""); }
  static Completed run_in(const std::shared_ptr<const Volume>& volume, const std::string& program,
                          const std::vector<std::string>& arguments) {
    Command command;
    command.program = program;
    command.arguments = arguments;
    command.volume = volume;
    return run(command, Deadline::after(std::chrono::seconds(20)));
  }
  // Two megabytes.
  Completed write_too_much(const std::shared_ptr<const Volume>& volume) const {
    return run_in(volume, "/bin/dd", {"if=/dev/zero", "of=" + in_place("zeros"), "bs=4096", "count=512"});
  }
  [[nodiscard]] std::string in_place(const std::string& name) const { return (directory_.path() / name).string(); }
  std::shared_ptr<const Volume> made() const {
    return std::make_shared<const Volume>(directory_.path(), size_bytes, std::nullopt);
  }

  TemporaryDirectory directory_{"/var/tmp", "lifeboat-volume"};
};

TEST_F(Volumes, AreSeenByThoseWhoAreLetInAndByNobodyElse) {
  const auto volume = made();
  EXPECT_TRUE(run_in(volume, "/bin/mkdir", {in_place("inside")}).status.success());
  EXPECT_EQ(run_in(volume, "/bin/ls", {in_place("")}).output, "inside\n");
  EXPECT_TRUE(fs::is_directory(volume->path() / "inside"));
  EXPECT_EQ(run_in(nullptr, "/bin/ls", {in_place("")}).output, "");
  EXPECT_TRUE(fs::is_empty(directory_.path()));
  EXPECT_THAT(read_file("/proc/self/mounts"), Not(HasSubstr(directory_.path().string())));
}

TEST_F(Volumes, AreFullWhenTheirSizeIsUsed) {
  const auto volume = made();
  EXPECT_THAT(write_too_much(volume).output, HasSubstr("No space left on device"));
  EXPECT_EQ(fs::file_size(volume->path() / "zeros"), size_bytes);
  EXPECT_TRUE(write_too_much(nullptr).status.success()) << "the disk below it is not full";
}

TEST_F(Volumes, KeepWhatTheyHoldWhenTheLastProcessInThemHasEnded) {
  const auto volume = made();
  for (const auto* const name : {"first", "second"}) {
    EXPECT_TRUE(run_in(volume, "/bin/mkdir", {in_place(name)}).status.success());
  }
  EXPECT_TRUE(fs::exists(volume->path() / "first") && fs::exists(volume->path() / "second"));
}

TEST_F(Volumes, AreRefusedWithTheKernelsWordsWhereTheyCannotBeMounted) {
  const auto file = directory_.path() / "file";
  std::ofstream(file) << "no directory";
  try {
    const Volume volume(file, size_bytes, std::nullopt);
    FAIL() << "mounted on a file";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr(file.string()), HasSubstr("Not a directory")));
  }
}

}  // namespace
}  // namespace harness::process
