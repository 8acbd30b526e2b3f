// A restore in place, and its roll-back, over a file system that fails at every single operation, in every way: the old
// cluster is whole where it was, or a roll-back makes it so; nothing can start in what is left unless it is whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/restore/restore_directory.hpp"
#include "backup_engine/restore/roll_back.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/restore/small_backup.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
using backup_engine::ExistingFiles;
using backup_engine::SafetyCopyLayout;
using tests::Fault;
using tests::FaultyFileSystem;

namespace {

// By then everything is set aside, in either layout; what follows is a restore like any other (restore_fault_test.cpp).
constexpr std::uint64_t set_aside_after = 70;

using Everything = std::map<std::string, std::string>;

fs::path parent() {
  return fs::is_directory("/dev/shm") ? "/dev/shm" : "/var/tmp";
}

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

Everything everything_below(const fs::path& root) {
  Everything all;
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

// The layout besides: a fault.
struct Tested {
  Fault fault = Fault::fail;
  SafetyCopyLayout layout = SafetyCopyLayout::beside;
};

class SafetyCopyFault : public ::testing::TestWithParam<Tested> {
 protected:
  SafetyCopyFault() {
    static_cast<void>(backup_engine::restore::make_small_backup(directory_.path() / "repository", {"/srv/fast", ""}));
    make_old_cluster();
  }

  static fs::path data() { return "restored"; }

  // The same cluster some time later; of this test's own making, so that it is told from what is restored.
  void make_old_cluster() {
    FaultyFileSystem files(old_.path());
    restore(old_.path(), files, ExistingFiles::refuse);
    write(old_.path() / data() / "base/1/1259", "of the old cluster");
    write(old_.path() / data() / "base/1/77777", "is new");
    write(old_.path() / "space/PG_15_202209061/16390", "of the old cluster");
    write(old_.path() / "space/of-the-administrator", "keep");
    fs::remove(old_.path() / data() / "recovery.signal");
  }
  // A copy of it, where its link leads to the copy of its tablespace.
  void put_old_cluster(const fs::path& place) const {
    for (const auto& entry : fs::directory_iterator(place)) fs::remove_all(entry.path());
    fs::copy(old_.path(), place, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    const auto link = place / data() / "pg_tblspc/16388";
    fs::remove(link);
    fs::create_directory_symlink(place / "space", link);
  }

  void restore(const fs::path& place, FaultyFileSystem& files, ExistingFiles existing) {
    auto request = backup_engine::restore::request_for(directory_.path() / "repository", place / data());
    if (existing == ExistingFiles::refuse) request.tablespace_map = {{"/srv/fast", place / "space"}};
    request.existing = existing;
    request.confirmed_system_identifier = 42;
    request.safety_copy_layout = GetParam().layout;
    request.jobs = 1;  // another thread would see files vanish as the power goes
    base::NoProgress progress;
    static_cast<void>(backup_engine::restore::restore_backup(request, files, progress, {}));
  }
  // Whether it said that it succeeded.
  bool restore_in_place(const fs::path& place, FaultyFileSystem& files) {
    return succeeds([&] { restore(place, files, ExistingFiles::set_aside); });
  }
  bool roll_back(const fs::path& place, FaultyFileSystem& files) {
    return succeeds([&] { backup_engine::restore::roll_back(place / data(), files, 1); });
  }
  template <typename Work>
  static bool succeeds(Work&& work) {
    try {
      work();
      return true;
    } catch (const base::Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("simulated"));
      return false;
    }
  }

  static bool is_startable(const fs::path& place) { return fs::exists(place / data() / "global" / "pg_control"); }
  static bool has_copy(const fs::path& place) {
    return backup_engine::restore::find_safety_folder(place / data()).has_value();
  }
  // All but what a safety copy that was never begun leaves: an empty folder.
  static Everything cluster_in(const fs::path& place) {
    auto all = everything_below(place);
    std::erase_if(all, [](const auto& each) { return each.first.find("lifeboat-safety-copy") != std::string::npos; });
    return all;
  }
  static void expect_restored(const fs::path& place) {
    EXPECT_TRUE(fs::exists(place / data() / "recovery.signal"));
    EXPECT_FALSE(fs::exists(place / data() / "base/1/77777"));
    EXPECT_EQ(fs::file_size(place / "space/PG_15_202209061/16390"), 9000U);
  }
  // Whatever happened before: the old cluster is back, and nothing else is left.
  void expect_that_the_old_cluster_comes_back(const fs::path& place, const Everything& before) {
    FaultyFileSystem files(place);
    if (has_copy(place)) {
      ASSERT_TRUE(roll_back(place, files));
    }
    files.lose_power();
    EXPECT_FALSE(has_copy(place));
    EXPECT_EQ(cluster_in(place), before);
  }
  static void lose_power_unless_struck(FaultyFileSystem& files, std::uint64_t n, std::uint64_t& last) {
    if (files.struck()) {
      last = n + 1;
    } else {
      files.lose_power();  // what succeeded survives it
    }
  }

  base::TemporaryDirectory directory_{parent(), "lifeboat-fault"}, old_{parent(), "lifeboat-fault"};
};

TEST_P(SafetyCopyFault, ARestoreInPlaceLosesNoClusterWhereverItIsCutOff) {
  const base::TemporaryDirectory place(parent(), "lifeboat-fault");
  put_old_cluster(place.path());
  const auto before = cluster_in(place.path());
  std::uint64_t last = 1, untouched = 0, half_done = 0, whole = 0;
  for (std::uint64_t n = 1, step = 1; n <= last; n += step) {
    SCOPED_TRACE(tests::to_string(GetParam().fault) + " at operation " + std::to_string(n));
    put_old_cluster(place.path());
    FaultyFileSystem files(place.path());
    files.strike_at(n, GetParam().fault);
    const bool succeeded = restore_in_place(place.path(), files);
    step = n < set_aside_after ? 1 : 5;
    lose_power_unless_struck(files, n, last);
    last += step - 1;
    if (succeeded) {
      EXPECT_TRUE(is_startable(place.path()));
      EXPECT_TRUE(has_copy(place.path()));
    }
    if (!is_startable(place.path())) {
      ++half_done;
      EXPECT_TRUE(has_copy(place.path()));
    } else if (cluster_in(place.path()) == before) {
      ++untouched;
    } else {
      ++whole;
      EXPECT_TRUE(has_copy(place.path()));
      expect_restored(place.path());
    }
    expect_that_the_old_cluster_comes_back(place.path(), before);
    if (HasFailure()) return;
  }
  EXPECT_GT(last, 50U) << "the fault never struck";
  EXPECT_GE(untouched, 1U);
  EXPECT_GT(half_done, 15U);
  EXPECT_GE(whole, 1U);
}

TEST_P(SafetyCopyFault, TheSameCommandAgainEndsARestoreInPlaceWhereverItWasCutOff) {
  const base::TemporaryDirectory place(parent(), "lifeboat-fault");
  put_old_cluster(place.path());
  const auto before = cluster_in(place.path());
  std::uint64_t last = 1, again = 0;
  for (std::uint64_t n = 1; n <= last; n += 7) {  // the sweep above sees each one
    SCOPED_TRACE(tests::to_string(GetParam().fault) + " at operation " + std::to_string(n));
    put_old_cluster(place.path());
    FaultyFileSystem files(place.path());
    files.strike_at(n, GetParam().fault);
    const bool succeeded = restore_in_place(place.path(), files);
    if (files.struck()) last = n + 7;
    if (!succeeded && !(is_startable(place.path()) && has_copy(place.path()))) {
      ++again;
      FaultyFileSystem sound(place.path());
      ASSERT_TRUE(restore_in_place(place.path(), sound));
      expect_restored(place.path());
    }
    expect_that_the_old_cluster_comes_back(place.path(), before);
    if (HasFailure()) return;
  }
  EXPECT_GT(again, 3U);
}

TEST_P(SafetyCopyFault, ARollBackEndsWhenItIsCalledAgainWhereverItWasCutOff) {
  const base::TemporaryDirectory place(parent(), "lifeboat-fault");
  put_old_cluster(place.path());
  const auto before = cluster_in(place.path());
  std::uint64_t last = 1, unstartable = 0;
  for (std::uint64_t n = 1; n <= last; ++n) {
    SCOPED_TRACE(tests::to_string(GetParam().fault) + " at operation " + std::to_string(n));
    put_old_cluster(place.path());
    {
      FaultyFileSystem sound(place.path());
      ASSERT_TRUE(restore_in_place(place.path(), sound));
    }
    // As a server would have left it.
    write(place.path() / data() / "base/1/88888", "of the restored cluster");
    FaultyFileSystem files(place.path());
    files.strike_at(n, GetParam().fault);
    const bool succeeded = roll_back(place.path(), files);
    lose_power_unless_struck(files, n, last);
    if (succeeded) {
      EXPECT_FALSE(has_copy(place.path()));
    }
    // What can be started is one of the two, whole.
    if (!is_startable(place.path())) {
      ++unstartable;
    } else if (fs::exists(place.path() / data() / "base/1/88888")) {
      expect_restored(place.path());
    } else {
      EXPECT_EQ(base::read_file(place.path() / data() / "base/1/77777"), "is new");
      EXPECT_EQ(base::read_file(place.path() / "space/PG_15_202209061/16390"), "of the old cluster");
    }
    expect_that_the_old_cluster_comes_back(place.path(), before);
    if (HasFailure()) return;
  }
  EXPECT_GT(last, 20U) << "the fault never struck";
  EXPECT_GE(unstartable, 1U);
}

TEST_P(SafetyCopyFault, ADropEndsWhenItIsCalledAgainAndLeavesTheRestoredClusterAlone) {
  const base::TemporaryDirectory place(parent(), "lifeboat-fault");
  std::uint64_t last = 1;
  for (std::uint64_t n = 1; n <= last; ++n) {
    SCOPED_TRACE(tests::to_string(GetParam().fault) + " at operation " + std::to_string(n));
    put_old_cluster(place.path());
    {
      FaultyFileSystem sound(place.path());
      ASSERT_TRUE(restore_in_place(place.path(), sound));
    }
    FaultyFileSystem files(place.path());
    files.strike_at(n, GetParam().fault);
    static_cast<void>(succeeds([&] { backup_engine::restore::drop(place.path() / data(), files, 1); }));
    lose_power_unless_struck(files, n, last);
    ASSERT_TRUE(is_startable(place.path()));
    expect_restored(place.path());
    FaultyFileSystem sound(place.path());
    if (has_copy(place.path())) backup_engine::restore::drop(place.path() / data(), sound, 1);
    EXPECT_FALSE(fs::exists(place.path() / "space/PG_15_202209061.lifeboat-safety-copy"));
    EXPECT_EQ(base::read_file(place.path() / "space/of-the-administrator"), "keep");
    expect_restored(place.path());
    if (HasFailure()) return;
  }
  EXPECT_GT(last, 10U) << "the fault never struck";
}

std::vector<Tested> all_tested() {
  std::vector<Tested> all;
  for (const auto layout : {SafetyCopyLayout::beside, SafetyCopyLayout::inside}) {
    for (const auto fault : {Fault::fail, Fault::no_space, Fault::killed, Fault::power_loss}) {
      all.push_back({fault, layout});
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Everywhere, SafetyCopyFault, ::testing::ValuesIn(all_tested()), [](const auto& tested) {
  auto name =
      tests::to_string(tested.param.fault) + (tested.param.layout == SafetyCopyLayout::inside ? " inside" : " beside");
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

}  // namespace
