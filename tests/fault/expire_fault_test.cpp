// Expire over a file system that fails at every operation. After each: the backup kept is whole, what is visible of the
// other is whole or it is gone, and the next expire ends where an uninterrupted one would have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/posix_storage.hpp"
#include "tests/fault/backup_trial.hpp"
#include "tests/unit/backup_engine/retention/history.hpp"

namespace backup_engine {
namespace {

using ::testing::IsSupersetOf;
using tests::Fault;
using tests::FaultyFileSystem;
using tests::History;
using namespace std::chrono_literals;

class ExpireFault : public ::testing::TestWithParam<Fault> {};

RetentionRules one_a_day() {
  RetentionRules rules;
  rules.keep_daily = 1;
  return rules;
}

TEST_P(ExpireFault, LeavesDebrisAtMostWhichTheNextOneRemoves) {
  std::uint64_t last = 1;
  for (std::uint64_t n = 1; n <= last; ++n) {
    SCOPED_TRACE(tests::to_string(GetParam()) + " at operation " + std::to_string(n));
    const base::TemporaryDirectory directory(tests::fault_directory(), "lifeboat-expire-fault");
    std::string full, kept, gone;
    {
      FaultyFileSystem sound(directory.path());
      History made(directory.path(), sound);
      made.put_wal(10, 24);
      full = made.add(72h, 10, 11);
      gone = made.add(48h, 14, 15);
      kept = made.add(1h, 20, 21, full);
      made.put(store::pack_name("main", "20261120T101010Z-full", 0));
    }
    // Read through a sound one, removed through the faulty one: both over the same directory.
    FaultyFileSystem files(directory.path());
    const auto root = directory.path() / "repository";
    ExpireRequest request;
    request.rules = one_a_day();
    request.now = tests::history_now;
    bool succeeded = false;
    {
      store::PosixStorage storage(root, files);
      files.strike_at(n, GetParam());
      try {
        retention::expire_cluster(storage, "main", request);
        succeeded = true;
      } catch (const base::Error& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr("simulated"));
      }
    }
    if (files.struck()) last = n + 1;
    if (succeeded && !files.struck()) files.lose_power();

    FaultyFileSystem again(directory.path());
    store::PosixStorage storage(root, again);
    const auto whole = [&](const std::string& label) {
      const auto manifest = store::read_manifest(storage, "main", label);
      for (const auto& pack : store::used_packs(manifest)) {
        EXPECT_TRUE(storage.size(store::pack_name("main", pack.backup_label, pack.number))) << label;
      }
      for (const auto& other : manifest.index_backups) {
        EXPECT_TRUE(storage.size(store::block_index_name("main", other))) << label;
      }
    };
    for (const auto& label : store::list_backup_labels(storage, "main")) whole(label);
    whole(kept);
    retention::expire_cluster(storage, "main", request);
    EXPECT_EQ(store::list_backup_labels(storage, "main"), std::vector{kept});
    std::set<std::string> left;
    for (const auto& object : storage.list("clusters/main/backups/")) left.insert(object.name);
    EXPECT_EQ(left.size(),
              3U + 4U + 3U);  // its own three documents; its packs and indexes; of the full a pack and indexes
    EXPECT_FALSE(storage.size(store::file_table_name("main", gone)));
    EXPECT_FALSE(storage.size(History::segment(19)));
    EXPECT_TRUE(storage.size(History::segment(20)));
    if (HasFailure()) return;
  }
  EXPECT_GT(last, 20U) << "the fault never struck";
}

INSTANTIATE_TEST_SUITE_P(EveryFault, ExpireFault, ::testing::ValuesIn(tests::all_faults), [](const auto& fault) {
  auto name = tests::to_string(fault.param);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

}  // namespace
}  // namespace backup_engine
