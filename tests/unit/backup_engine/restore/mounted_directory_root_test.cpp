// A data directory that is a mount point cannot be renamed: its safety copy goes into it. Root only: it mounts one, in
// mounts of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/safety_copy.hpp"
#include "tests/support/refusal.hpp"
#include "tests/unit/backup_engine/restore/small_backup.hpp"

namespace backup_engine::restore {
namespace {

namespace fs = std::filesystem;
using base::ErrorKind;
using testing::HasSubstr;

void mount_memory(const fs::path& place) {
  fs::create_directory(place);
  ASSERT_EQ(::mount("none", place.c_str(), "tmpfs", 0, "size=64m"), 0) << place;
}

class RestoreIntoAMount : public testing::Test {
 protected:
  RestoreIntoAMount() { static_cast<void>(make_small_backup(directory_.path() / "repository")); }

  // In a process with mounts of its own; its failures are this test's.
  static void with_own_mounts(const std::function<void()>& work) {
    const auto child = ::fork();
    if (child == 0) {
      const bool alone =
          ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
      if (alone) work();
      ::_exit(alone && !HasFailure() ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "see above";
  }
  void restore(ExistingFiles existing) const {
    auto wanted = request_for(directory_.path() / "repository", to());
    wanted.existing = existing;
    wanted.confirmed_system_identifier = 42;
    base::NoProgress progress;
    static_cast<void>(restore_backup(wanted, progress));
  }
  [[nodiscard]] fs::path to() const { return directory_.path() / "mounted"; }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-test"};
};

TEST_F(RestoreIntoAMount, SetsTheOldClusterAsideInsideOfIt) {
  with_own_mounts([this] {
    mount_memory(to());
    restore(ExistingFiles::refuse);
    base::write_file_atomically(to() / "base/1/77777", "of the old cluster");
    restore(ExistingFiles::set_aside);
    EXPECT_EQ(find_safety_copy(to()).folder, to() / "lifeboat-safety-copy");
    EXPECT_FALSE(fs::exists(to() / "base/1/77777"));
    roll_back_safety_copy(to());
    EXPECT_EQ(base::read_file(to() / "base/1/77777"), "of the old cluster");
    EXPECT_FALSE(fs::exists(to() / "lifeboat-safety-copy"));
  });
}

TEST_F(RestoreIntoAMount, RefusesAMountInsideTheDataDirectory) {
  with_own_mounts([this] {
    restore(ExistingFiles::refuse);
    fs::remove_all(to() / "pg_wal");
    mount_memory(to() / "pg_wal");
    EXPECT_THAT(tests::refusal([this] { restore(ExistingFiles::set_aside); }, ErrorKind::usage),
                HasSubstr((to() / "pg_wal").string()));
    EXPECT_TRUE(fs::exists(to() / "global/pg_control")) << "nothing was touched";
  });
}

}  // namespace
}  // namespace backup_engine::restore
