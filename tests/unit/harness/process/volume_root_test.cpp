// Volumes of a root who may not mount anything, as in a container: the same tests again, without the capability.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "backup_engine/base/temporary_directory.hpp"
#include "harness/process/volume.hpp"

namespace harness::process {
namespace {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;

TEST(VolumesOfRoot, AreTheirOwnersWhoeverMadeThem) {
  ASSERT_EQ(why_no_volume(), "");
  const auto* const nobody = ::getpwnam("nobody");
  const OsUser owner{nobody->pw_name, nobody->pw_uid, nobody->pw_gid};
  const backup_engine::base::TemporaryDirectory directory("/var/tmp", "lifeboat-volume");
  fs::permissions(directory.path(), fs::perms(0755));
  Command command;
  command.program = "/bin/mkdir";
  command.arguments = {(directory.path() / "his").string()};
  command.run_as = owner;
  const auto volume = std::make_shared<const Volume>(directory.path(), std::uint64_t{1} << 20U, owner);
  command.volume = volume;
  const auto done = run(command, Deadline::after(std::chrono::seconds(20)));
  EXPECT_TRUE(done.status.success()) << done.output;
  EXPECT_TRUE(fs::is_directory(volume->path() / "his"));
}

// CAP_SYS_ADMIN is what mounting takes; a user namespace gives it within itself.
TEST(VolumesOfRootWithoutThePrivilege, AreMadeInAUserNamespace) {
  ASSERT_EQ(::geteuid(), 0U);
  Command command;
  command.program = "/usr/bin/setpriv";
  command.arguments = {"--bounding-set",
                       "-sys_admin",
                       "--inh-caps",
                       "-sys_admin",
                       fs::read_symlink("/proc/self/exe").string(),
                       "--gtest_filter=Volumes.*:VolumesOfRoot.*"};
  const auto done = run(command, Deadline::after(std::chrono::seconds(60)));
  EXPECT_TRUE(done.status.success()) << done.output;
  EXPECT_THAT(done.output, testing::HasSubstr("VolumesOfRoot.AreTheirOwnersWhoeverMadeThem"));
}

}  // namespace
}  // namespace harness::process
