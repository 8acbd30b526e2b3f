// A backup as a whole, by the engine's own order of things, over a file system that fails at every single operation, in
// every way: a full beside a chain, and an incremental that goes on with it.
#include "tests/fault/backup_trial.hpp"

#include "backup_engine/base/error.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
using backup_engine::BackupType;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::Aftermath;
using tests::cluster_files;
using tests::Fault;
using tests::FaultyFileSystem;

namespace {

class BackupFault : public ::testing::TestWithParam<Fault> {
 protected:
  static void SetUpTestSuite() {
    made_ = std::make_unique<base::TemporaryDirectory>(tests::fault_directory(), "lifeboat-backup-fault");
    published_ = tests::make_chain(made_->path());
  }
  static void TearDownTestSuite() { made_.reset(); }

  // Whether the process that failed went on to its end, and could tidy up.
  static bool goes_on(Fault fault) {
    return fault == Fault::fail || fault == Fault::short_write || fault == Fault::no_space;
  }

  static void strike_everywhere(BackupType type) {
    std::uint64_t last = 1;
    std::set<bool> seen_published;
    for (std::uint64_t n = 1; n <= last; ++n) {
      SCOPED_TRACE(tests::to_string(GetParam()) + " at operation " + std::to_string(n));
      const base::TemporaryDirectory directory(tests::fault_directory(), "lifeboat-backup-fault");
      fs::copy(made_->path(), directory.path(), fs::copy_options::recursive);
      FaultyFileSystem files(directory.path());
      files.strike_at(n, GetParam());
      bool succeeded = false;
      try {
        tests::take(directory.path(), files, type, 2);
        succeeded = true;
      } catch (const base::Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("simulated"));
      }
      if (files.struck()) last = n + 1;
      // What succeeded survives a power loss right afterwards.
      if (succeeded && !files.struck()) files.lose_power();
      seen_published.insert(look(directory.path(), succeeded));
      if (HasFailure()) return;
    }
    EXPECT_GT(last, 50U) << "too few faults struck";
    EXPECT_EQ(seen_published.size(), 2U) << "both a backup that came to nothing and one that was published";
  }

  // Whether the backup is there.
  static bool look(const fs::path& directory, bool succeeded) {
    Aftermath aftermath(directory);
    auto published = published_;
    auto there = aftermath.labels();
    for (const auto& [label, files] : published_) there.erase(label);
    if (succeeded) {
      EXPECT_EQ(there.size(), 1U);
    }
    // An error while publishing leaves open whether it is visible; when it is, it is whole.
    EXPECT_LE(there.size(), 1U);
    for (const auto& label : there) published[label] = cluster_files(2);
    aftermath.expect_verify_tells_the_truth();
    aftermath.expect_holds(published);
    // Blocks of the chain's first member and of its last, and of the new one.
    aftermath.expect_restores(published_.rbegin()->first, published_.rbegin()->second);
    for (const auto& label : there) aftermath.expect_restores(label, published[label]);
    if (!succeeded && goes_on(GetParam())) {
      EXPECT_THAT(aftermath.intents(), IsEmpty()) << "it failed, and told expire that it goes on";
    }

    FaultyFileSystem sound(directory);
    const auto next = tests::take(directory, sound, BackupType::incremental, 3);
    EXPECT_FALSE(published.contains(next));
    published[next] = cluster_files(3);
    Aftermath afterwards(directory);
    afterwards.expect_restores(next, published[next]);
    afterwards.clean_up(tests::keep_all());
    afterwards.expect_nothing_else();
    afterwards.expect_verify_tells_the_truth();
    afterwards.expect_holds(published);
    EXPECT_EQ(afterwards.labels().size(), published.size());
    return !there.empty();
  }

  inline static std::unique_ptr<base::TemporaryDirectory> made_;
  inline static tests::Published published_;
};

TEST_P(BackupFault, OfAFullLeavesTheChainBesideItAndWhatExpireRemoves) {
  strike_everywhere(BackupType::full);
}

TEST_P(BackupFault, OfAnIncrementalLeavesItsChainAndWhatExpireRemoves) {
  strike_everywhere(BackupType::incremental);
}

INSTANTIATE_TEST_SUITE_P(EveryFault, BackupFault, ::testing::ValuesIn(tests::all_faults), [](const auto& fault) {
  auto name = tests::to_string(fault.param);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

}  // namespace
