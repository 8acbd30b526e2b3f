#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/store/posix_storage.hpp"

namespace backup_engine {
namespace {

constexpr uid_t somebody = 4242;

uid_t owner_of(const std::filesystem::path& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info.st_uid;
}

TEST(PosixStorageAsRoot, WritesForWhomTheRepositoryBelongsTo) {
  ASSERT_EQ(::geteuid(), 0U) << "this test carries the label root";
  const base::TemporaryDirectory directory("/var/tmp", "lifeboat-owner");
  ASSERT_EQ(::chown(directory.path().c_str(), somebody, somebody), 0);
  store::PosixStorage storage(directory.path(), base::posix_file_system());
  auto put = storage.begin_put("clusters/main/thing");
  put->commit(store::Durability::now);
  EXPECT_EQ(owner_of(directory.path() / "clusters"), somebody);
  EXPECT_EQ(owner_of(directory.path() / "clusters/main"), somebody);
  EXPECT_EQ(owner_of(directory.path() / "clusters/main/thing"), somebody);
}

TEST(PosixStorageAsRoot, KeepsWhatIsRootsOwn) {
  const base::TemporaryDirectory directory("/var/tmp", "lifeboat-owner");
  store::PosixStorage storage(directory.path(), base::posix_file_system());
  auto put = storage.begin_put("thing");
  put->commit(store::Durability::now);
  EXPECT_EQ(owner_of(directory.path() / "thing"), 0U);
}

}  // namespace
}  // namespace backup_engine
