// A repository whose disk fills while a backup is being taken. Mounts a small file system, so it must be root.
#include <sys/mount.h>

#include <fstream>

#include "tests/pg/backup/backup_processes.hpp"

namespace backup_engine {
namespace {

using ::testing::HasSubstr;

class SmallDisk {
 public:
  explicit SmallDisk(std::filesystem::path at) : at_(std::move(at)) {
    if (::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=160m,mode=0700") != 0) {
      throw base::system_error(errno, "mount a small file system on", at_.string());
    }
  }
  ~SmallDisk() { ::umount2(at_.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Nothing fits any more, until give_back().
  void fill() const {
    std::ofstream filler(at_ / "filler", std::ios::binary);
    for (std::size_t chunk = 1U << 20U; chunk >= 1; chunk /= 4) {
      const std::string bytes(chunk, 'x');
      while (filler.write(bytes.data(), static_cast<std::streamsize>(chunk)).flush()) continue;
      filler.clear();
    }
  }
  void give_back() const { std::filesystem::remove(at_ / "filler"); }

 private:
  std::filesystem::path at_;
};

class FullDisk : public BackupProcesses, public ::testing::WithParamInterface<BackupType> {
 protected:
  FullDisk() {
    init_repository({repository().string()});
    let_server_user_read_repository();
  }

  SmallDisk disk_{repository()};
};

TEST_P(FullDisk, EndsTheBackupWithOneMessageAndHarmsNothing) {
  start_source();
  receive_wal();
  make_rows();
  const auto full = take(BackupType::full).label;
  const auto digest = ask(digest_);
  run("CREATE TABLE more AS SELECT i, md5(i::text) FROM generate_series(1, 100000) i");
  wait_for_all_wal();
  auto backup = begin_backup("starved", GetParam(), "12MB");
  static_cast<void>(wait_until_copying(backup, "starved"));
  put_to_sleep(backup);
  stop_receiving();  // it would starve too
  disk_.fill();
  wake(backup);
  expect_refused(backup, "starved", 2);
  EXPECT_THAT(words("starved"), HasSubstr("No space left on device"));
  EXPECT_EQ(labels(), std::set{full});
  expect_sound_without_debris();

  disk_.give_back();
  receive_wal();
  expect_server_is_free();
  const auto next = take(GetParam()).label;
  expect_sound();
  lose_source();
  EXPECT_EQ(in_backup(full), digest);
  EXPECT_EQ(in_backup(next, "SELECT count(*) FROM more"), "100000");
}

INSTANTIATE_TEST_SUITE_P(OfType, FullDisk, ::testing::Values(BackupType::full, BackupType::incremental),
                         [](const auto& tested) { return to_string(tested.param); });

}  // namespace
}  // namespace backup_engine
