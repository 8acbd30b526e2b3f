// Fetching onto a disk that is full. Root only: it mounts one.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include "backup_engine/base/error.hpp"
#include "tests/unit/backup_engine/wal/temporary_archive.hpp"

namespace backup_engine::wal {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;
using postgres::Lsn;
using postgres::TimelineId;

class SmallDisk {
 public:
  explicit SmallDisk(const char* options) {
    if (::mount("tmpfs", path().c_str(), "tmpfs", 0, options) != 0) throw std::runtime_error("cannot mount a tmpfs");
  }
  ~SmallDisk() { ::umount2(path().c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] const fs::path& path() const { return directory_.path(); }

 private:
  base::TemporaryDirectory directory_{fs::temp_directory_path(), "lifeboat-small-disk"};
};

TEST(FetchWalOntoAFullDisk, FailsAndLeavesNothingWithAndWithoutPrefetch) {
  TemporaryArchive repository;
  for (std::uint64_t number = 3; number < 6; ++number) {
    repository.archive().put_segment({TimelineId(1), number},
                                     wal_bytes(Lsn(number * megabyte), Lsn((number + 1) * megabyte)));
  }
  const SmallDisk disk("size=512k");
  for (const unsigned prefetch : {0U, 4U}) {
    try {
      (void)fetch_wal({repository.location(), TemporaryArchive::cluster, "000000010000000000000003",
                       disk.path() / "RECOVERYXLOG", prefetch});
      FAIL() << "fetched onto a full disk";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::no_space) << error.what();
    }
    EXPECT_TRUE(fs::is_empty(disk.path()));
  }
}

TEST(FetchWalOntoAFullDisk, DoesWithoutASpoolWhereThereIsNoRoomForIt) {
  TemporaryArchive repository;
  for (std::uint64_t number = 3; number < 6; ++number) {
    repository.archive().put_segment({TimelineId(1), number},
                                     wal_bytes(Lsn(number * megabyte), Lsn((number + 1) * megabyte)));
  }
  const SmallDisk disk("size=3m");
  const auto target = disk.path() / "RECOVERYXLOG";
  EXPECT_EQ(fetch_wal({repository.location(), TemporaryArchive::cluster, "000000010000000000000003", target, 4}),
            WalFetchOutcome::fetched);
  const fs::directory_iterator entries(disk.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1) << "the segment alone";
}

}  // namespace
}  // namespace backup_engine::wal
