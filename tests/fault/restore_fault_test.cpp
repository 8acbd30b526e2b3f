// A restore over a file system that fails at every single operation, in every way: PostgreSQL can never start in what
// is left unless everything is there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstring>

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

class RestoreFault : public ::testing::TestWithParam<Fault> {
 protected:
  RestoreFault()
      : backup_(backup_engine::restore::make_small_backup(directory_.path() / "repository", {"/srv/fast", ""})) {}

  // Into a directory of its own below `place`; whether it said that it succeeded.
  bool restore(const fs::path& place, FaultyFileSystem& files) {
    auto request = backup_engine::restore::request_for(directory_.path() / "repository", place / "restored");
    request.tablespace_map = {{"/srv/fast", place / "space"}};
    base::NoProgress progress;
    try {
      static_cast<void>(backup_engine::restore::restore_backup(request, files, progress, {}));
      return true;
    } catch (const base::Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("simulated"));
      return false;
    }
  }

  void expect_everything(const fs::path& restored) const {
    for (const auto& [path, bytes] : backup_.files) {
      if (path == "postgresql.auto.conf") continue;
      const auto text = base::read_file(restored / path);
      ASSERT_EQ(text.size(), bytes.size()) << path;
      EXPECT_TRUE(bytes.empty() || std::memcmp(text.data(), bytes.data(), bytes.size()) == 0) << path;
    }
    for (const auto& path : backup_.directories) EXPECT_TRUE(fs::is_directory(restored / path)) << path;
    EXPECT_TRUE(fs::exists(restored / "recovery.signal"));
    EXPECT_THAT(base::read_file(restored / "postgresql.auto.conf"), ::testing::HasSubstr("wal fetch"));
  }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-fault"};
  SmallBackup backup_;
};

TEST_P(RestoreFault, LeavesADirectoryThatIsWholeOrCannotStart) {
  std::uint64_t last = 1, whole = 0;
  for (std::uint64_t n = 1; n <= last; ++n) {
    SCOPED_TRACE(tests::to_string(GetParam()) + " at operation " + std::to_string(n));
    const base::TemporaryDirectory place("/var/tmp", "lifeboat-fault");
    FaultyFileSystem files(place.path());
    files.strike_at(n, GetParam());
    const bool succeeded = restore(place.path(), files);
    if (files.struck()) {
      last = n + 1;
    } else {
      files.lose_power();  // what succeeded survives it
    }
    const bool startable = fs::exists(place.path() / "restored" / "global" / "pg_control");
    if (succeeded) {
      EXPECT_TRUE(startable);
    }
    if (startable) {
      ++whole;
      expect_everything(place.path() / "restored");
    }
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(last, 30U) << "the fault never struck";
  EXPECT_GE(whole, 1U);
}

INSTANTIATE_TEST_SUITE_P(Everywhere, RestoreFault, ::testing::ValuesIn(tests::all_faults), [](const auto& tested) {
  auto name = tests::to_string(tested.param);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

}  // namespace
