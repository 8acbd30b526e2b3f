// A restore over a file system that fails at every single operation, in every way: PostgreSQL can never start in what
// is left unless everything is there, and the same command again ends it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <fstream>
#include <map>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/restore/restore_directory.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/restore/small_backup.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
using backup_engine::restore::SmallBackup;
using tests::Fault;
using tests::FaultyFileSystem;

namespace {

using backup_engine::ExistingFiles;

// In memory where there is such a place: thousands of small files come and go.
fs::path parent() {
  return fs::is_directory("/dev/shm") ? "/dev/shm" : "/var/tmp";
}

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Every file, directory and link below `root`, with its content.
std::map<std::string, std::string> everything_below(const fs::path& root) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    auto& content = all[entry.path().lexically_relative(root)];
    if (entry.is_symlink()) {
      content = "-> " + fs::read_symlink(entry.path()).string();
    } else {
      content = entry.is_directory() ? "directory" : base::read_file(entry.path());
    }
  }
  return all;
}

class RestoreFault : public ::testing::TestWithParam<Fault> {
 protected:
  RestoreFault()
      : backup_(backup_engine::restore::make_small_backup(directory_.path() / "repository", {"/srv/fast", ""})) {}

  // Into a directory of its own below `place`; whether it said that it succeeded.
  bool restore(const fs::path& place, FaultyFileSystem& files, ExistingFiles existing) {
    auto request = backup_engine::restore::request_for(directory_.path() / "repository", place / "restored");
    request.tablespace_map = {{"/srv/fast", place / "space"}};
    request.existing = existing;
    request.jobs = 1;  // another thread would see files vanish as the power goes
    base::NoProgress progress;
    try {
      static_cast<void>(backup_engine::restore::restore_backup(request, files, progress, {}));
      return true;
    } catch (const base::Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("simulated"));
      return false;
    }
  }

  // The same command again; where a pg_control is, --delta.
  void expect_that_running_again_succeeds(const fs::path& place) {
    FaultyFileSystem files(place);
    const auto existing = is_startable(place) ? ExistingFiles::compare : ExistingFiles::refuse;
    ASSERT_TRUE(restore(place, files, existing));
    expect_everything(place);
  }

  static bool is_startable(const fs::path& place) { return fs::exists(place / "restored" / "global" / "pg_control"); }

  // And nothing else.
  void expect_everything(const fs::path& place) const {
    const auto restored = place / "restored";
    auto all = everything_below(restored);
    for (const auto& [name, content] : everything_below(place / "space")) all["pg_tblspc/16388/" + name] = content;
    for (const auto& [path, bytes] : backup_.files) {
      ASSERT_TRUE(all.contains(path)) << path;
      if (path != "postgresql.auto.conf") {
        ASSERT_TRUE(bytes_of(all[path]) == bytes) << path;
      }
      all.erase(path);
    }
    for (const auto& path : backup_.directories) {
      EXPECT_EQ(all[path], "directory") << path;
      all.erase(path);
    }
    EXPECT_EQ(all["pg_tblspc/16388"], "-> " + (place / "space").string());
    EXPECT_TRUE(all.contains("recovery.signal"));
    all.erase("pg_tblspc/16388");
    all.erase("recovery.signal");
    for (const auto& [path, content] : all) ADD_FAILURE() << "is no part of the backup: " << path;
    EXPECT_THAT(base::read_file(restored / "postgresql.auto.conf"), ::testing::HasSubstr("wal fetch"));
  }

  // The same cluster some time later: blocks changed, files shorter, longer, gone and new, of another kind.
  void make_old_cluster(const fs::path& place) {
    FaultyFileSystem files(place);
    ASSERT_TRUE(restore(place, files, ExistingFiles::refuse));
    const auto data = place / "restored";
    auto control = backup_engine::restore::sound_control_file();
    control[16] = std::byte{1};
    const auto crc = base::crc32c(std::span(control).first(288));
    std::memcpy(control.data() + 288, &crc, sizeof crc);
    write(data / "global" / "pg_control", {reinterpret_cast<const char*>(control.data()), control.size()});
    auto table = base::read_file(data / "base/1/1259");
    table[5000] = static_cast<char>(table[5000] + 1);
    table.resize(30'000);
    write(data / "base/1/1259", table);
    write(data / "base/1/16385", "was empty");
    write(data / "base/1/77777", "is new");
    fs::remove(data / "base/1/16384");
    fs::create_directories(data / "base/1/16384/inside");
    write(data / "base/1/16384/inside/it", "x");
    fs::remove(data / "recovery.signal");
    fs::create_directory(data / "base/5");
    write(data / "base/5/1", "of another database");
    write(data / "pg_wal/000000010000000000000009", "wal");
    fs::create_directory_symlink("/nowhere", data / "pg_tblspc/99");
    write(place / "space/PG_15_202209061/5", "is new");
  }

  base::TemporaryDirectory directory_{parent(), "lifeboat-fault"};
  SmallBackup backup_;
};

class RestoreOnALossyDisk : public RestoreFault {};

TEST_P(RestoreFault, LeavesADirectoryThatIsWholeOrCannotStartAndThenGoesOn) {
  std::uint64_t last = 1, whole = 0;
  for (std::uint64_t n = 1; n <= last; ++n) {
    SCOPED_TRACE(tests::to_string(GetParam()) + " at operation " + std::to_string(n));
    const base::TemporaryDirectory place(parent(), "lifeboat-fault");
    FaultyFileSystem files(place.path());
    files.strike_at(n, GetParam());
    const bool succeeded = restore(place.path(), files, ExistingFiles::refuse);
    if (files.struck()) {
      last = n + 1;
    } else {
      files.lose_power();  // what succeeded survives it
    }
    if (succeeded) {
      EXPECT_TRUE(is_startable(place.path()));
    }
    if (is_startable(place.path())) {
      ++whole;
      expect_everything(place.path());
    }
    expect_that_running_again_succeeds(place.path());
    if (HasFailure()) return;
  }
  EXPECT_GT(last, 30U) << "the fault never struck";
  EXPECT_GE(whole, 1U);
}

TEST_P(RestoreFault, OverAnExistingClusterLeavesTheOldOneTheNewOneOrOneThatCannotStart) {
  const base::TemporaryDirectory place(parent(), "lifeboat-fault"), old(parent(), "lifeboat-fault");
  make_old_cluster(place.path());
  if (HasFailure()) return;
  const auto before = everything_below(place.path());
  fs::copy(place.path(), old.path(), fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  std::uint64_t last = 1, untouched = 0, half_done = 0, whole = 0;
  for (std::uint64_t n = 1; n <= last; ++n) {
    SCOPED_TRACE(tests::to_string(GetParam()) + " at operation " + std::to_string(n));
    for (const auto& entry : fs::directory_iterator(place.path())) fs::remove_all(entry.path());
    fs::copy(old.path(), place.path(), fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    FaultyFileSystem files(place.path());
    files.strike_at(n, GetParam());
    static_cast<void>(restore(place.path(), files, ExistingFiles::compare));
    if (files.struck()) {
      last = n + 1;
    } else {
      files.lose_power();
    }
    if (!is_startable(place.path())) {
      ++half_done;
    } else if (everything_below(place.path()) == before) {
      ++untouched;
    } else {
      ++whole;
      expect_everything(place.path());
    }
    expect_that_running_again_succeeds(place.path());
    if (HasFailure()) return;
  }
  if (GetParam() != Fault::no_space) {  // which a rename does not need
    EXPECT_GE(untouched, 1U);
  }
  EXPECT_GT(half_done, 20U);
  EXPECT_GE(whole, 1U);
}

// Whoever asked the disk first was told; a restore that succeeds all the same has everything, also when power fails.
TEST_F(RestoreOnALossyDisk, SucceedsOnlyWhenNothingWasLostInWritingBack) {
  std::uint64_t last = 1, failed = 0;
  for (std::uint64_t n = 1; n <= last; ++n) {
    SCOPED_TRACE("lost write-back at operation " + std::to_string(n));
    const base::TemporaryDirectory place(parent(), "lifeboat-fault");
    FaultyFileSystem files(place.path());
    files.strike_at(n, Fault::lost_write_back);
    const bool succeeded = restore(place.path(), files, ExistingFiles::refuse);
    if (files.struck()) last = n + 1;
    failed += succeeded ? 0 : 1;
    files.lose_power();
    EXPECT_EQ(is_startable(place.path()), succeeded);
    if (succeeded) expect_everything(place.path());
    expect_that_running_again_succeeds(place.path());
    if (HasFailure()) return;
  }
  EXPECT_GT(failed, 30U);
}

INSTANTIATE_TEST_SUITE_P(Everywhere, RestoreFault, ::testing::ValuesIn(tests::all_faults), [](const auto& tested) {
  auto name = tests::to_string(tested.param);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

}  // namespace
