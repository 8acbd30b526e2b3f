// Reading and writing past the page cache: the same bytes as ever, and what was cached before stays.
#include "backup_engine/base/uncached_io.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <vector>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/file_system.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace fs = std::filesystem;
using namespace backup_engine::base;

namespace {

constexpr std::size_t file_bytes = (3U << 20U) + 100;

std::vector<std::byte> random_bytes(std::size_t count) {
  std::mt19937_64 random(7);
  std::vector<std::byte> bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// tmpfs, which knows no uncached reading and writing, and a file system on a disk.
class UncachedIo : public ::testing::TestWithParam<const char*> {
 protected:
  fs::path write(const std::vector<std::byte>& bytes, bool pass_by) {
    const auto path = directory_.path() / "file";
    const auto file = posix_file_system().create(path, 0600);
    if (pass_by) file->pass_by_page_cache();
    file->write_at(0, bytes);
    file->sync();
    file->close();
    return path;
  }
  TemporaryDirectory directory_{GetParam(), "lifeboat-uncached"};
};

std::vector<std::byte> read_past_the_cache(const fs::path& path) {
  std::vector<std::byte> bytes(file_bytes + 5000);
  const auto file = open_for_reading(path);
  bytes.resize(read_at(file.get(), bytes, 0, path, PageCache::pass_by));
  return bytes;
}

// How many of a file's pages are in memory.
std::size_t cached_pages(const fs::path& path) {
  const auto file = open_for_reading(path);
  void* const at = ::mmap(nullptr, file_bytes, PROT_READ, MAP_SHARED, file.get(), 0);
  std::vector<unsigned char> pages(file_bytes / 4096 + 1);
  EXPECT_EQ(::mincore(at, file_bytes, pages.data()), 0);
  ::munmap(at, file_bytes);
  return static_cast<std::size_t>(std::count_if(pages.begin(), pages.end(), [](auto page) { return (page & 1) != 0; }));
}

void drop_from_cache(const fs::path& path) {
  EXPECT_EQ(::posix_fadvise(open_for_reading(path).get(), 0, 0, POSIX_FADV_DONTNEED), 0);
}

// By this kernel, on the file system that holds `path`.
bool is_supported(const fs::path& path) {
  utsname system{};
  std::byte byte{};
  const iovec into{&byte, 1};
  return ::uname(&system) == 0 && has_sound_uncached_io(system.release) &&
         ::preadv2(open_for_reading(path).get(), &into, 1, 0, 0x80) == 1;
}

}  // namespace

TEST_P(UncachedIo, ReadsWhatWasWritten) {
  const auto bytes = random_bytes(file_bytes);
  EXPECT_EQ(read_past_the_cache(write(bytes, false)), bytes);
}

TEST_P(UncachedIo, WritesWhatWasGiven) {
  const auto bytes = random_bytes(file_bytes);
  EXPECT_EQ(read_past_the_cache(write(bytes, true)), bytes);
}

TEST_P(UncachedIo, SeesWhatIsNotOnTheDiskYet) {
  const auto path = directory_.path() / "file";
  const auto bytes = random_bytes(file_bytes);
  const auto file = posix_file_system().create(path, 0600);
  file->write_at(0, bytes);
  EXPECT_EQ(read_past_the_cache(path), bytes);
}

TEST_P(UncachedIo, LeavesWhatWasCachedBefore) {
  const auto path = write(random_bytes(file_bytes), false);
  const auto before = cached_pages(path);
  static_cast<void>(read_past_the_cache(path));
  EXPECT_EQ(cached_pages(path), before);
}

INSTANTIATE_TEST_SUITE_P(On, UncachedIo, ::testing::Values("/dev/shm", "/var/tmp"),
                         [](const auto& each) { return std::string(each.index == 0 ? "Tmpfs" : "Disk"); });

using UncachedIoOnDisk = UncachedIo;
TEST_P(UncachedIoOnDisk, LeavesNothingBehindWhereTheKernelCan) {
  const auto path = write(random_bytes(file_bytes), false);
  const bool supported = is_supported(path);
  drop_from_cache(path);
  static_cast<void>(read_past_the_cache(path));
  constexpr auto all = file_bytes / 4096 + 1;
  if (supported) {
    EXPECT_LT(cached_pages(path), all / 2);
  } else {
    EXPECT_EQ(cached_pages(path), all);
  }
}
INSTANTIATE_TEST_SUITE_P(On, UncachedIoOnDisk, ::testing::Values("/var/tmp"), [](const auto&) { return "Disk"; });

TEST(HasSoundUncachedIo, IsSaidOfKernelsSinceItWasMended) {
  for (const auto* const release : {"6.16.0", "6.18.44-cloud-amd64", "6.16-rc3", "7.0.1"}) {
    EXPECT_TRUE(has_sound_uncached_io(release)) << release;
  }
  for (const auto* const release : {"6.15.9", "6.14.2-generic", "6.1.0-28-amd64", "5.16.1", "6", "6.x", "", "linux"}) {
    EXPECT_FALSE(has_sound_uncached_io(release)) << release;
  }
}
