// Expire of a real chain whose last incremental stays, over a file system that fails at every operation: after each,
// what is visible restores, and the next expire leaves the incremental and what it needs of its chain, and nothing
// else.
#include "backup_engine/base/error.hpp"
#include "backup_engine/retention/expire.hpp"
#include "tests/fault/backup_trial.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
using backup_engine::BackupType;
using ::testing::HasSubstr;
using tests::Aftermath;
using tests::cluster_files;
using tests::Fault;
using tests::FaultyFileSystem;

namespace {

class ExpireOfAChain : public ::testing::TestWithParam<Fault> {
 protected:
  static void SetUpTestSuite() {
    made_ = std::make_unique<base::TemporaryDirectory>(tests::fault_directory(), "lifeboat-expire-fault");
    published_ = tests::make_chain(made_->path());
    FaultyFileSystem files(made_->path());
    published_[kept_ = tests::take(made_->path(), files, BackupType::incremental, 2)] = cluster_files(2);
    leave_debris();
  }
  static void TearDownTestSuite() { made_.reset(); }

  // Of a full that was killed in mid-backup and has no intent any more.
  static void leave_debris() {
    FaultyFileSystem files(made_->path());
    files.strike_at(45, Fault::killed);
    EXPECT_THROW(tests::take(made_->path(), files, BackupType::full, 3), base::Error);
    Aftermath aftermath(made_->path());
    const auto storage = store::open_repository({(made_->path() / "repository").string()}, base::posix_file_system());
    ASSERT_EQ(aftermath.intents().size(), 1U);
    store::revoke_intent(*storage, "main", aftermath.intents().front().label);
  }

  static bool expire(const fs::path& directory, FaultyFileSystem& files) {
    backup_engine::ExpireRequest request;
    request.rules.keep_daily = 1;
    try {
      const auto storage = store::open_repository({(directory / "repository").string()}, files);
      backup_engine::retention::expire_cluster(*storage, "main", request);
      return true;
    } catch (const base::Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("simulated"));
      return false;
    }
  }

  static void look(const fs::path& directory, bool succeeded) {
    Aftermath aftermath(directory);
    const auto there = aftermath.labels();
    if (succeeded) {
      EXPECT_EQ(there, std::set{kept_});
    }
    tests::Published visible{{kept_, published_[kept_]}};
    for (const auto& label : there) visible[label] = published_[label];
    aftermath.expect_verify_tells_the_truth();
    aftermath.expect_holds(visible);
    aftermath.expect_restores(kept_, published_[kept_]);

    backup_engine::RetentionRules rules;
    rules.keep_daily = 1;
    aftermath.clean_up(rules);
    EXPECT_EQ(aftermath.labels(), std::set{kept_});
    aftermath.expect_nothing_else();
    aftermath.expect_verify_tells_the_truth();
    aftermath.expect_holds({{kept_, published_[kept_]}});
    FaultyFileSystem sound(directory);
    const auto next = tests::take(directory, sound, BackupType::incremental, 3);
    Aftermath(directory).expect_restores(next, cluster_files(3));
  }

  inline static std::unique_ptr<base::TemporaryDirectory> made_;
  inline static tests::Published published_;
  inline static std::string kept_;
};

TEST_P(ExpireOfAChain, LeavesTheIncrementalAndWhatItNeedsWheneverItFails) {
  std::uint64_t last = 1;
  std::set<std::size_t> seen;
  for (std::uint64_t n = 1; n <= last; ++n) {
    SCOPED_TRACE(tests::to_string(GetParam()) + " at operation " + std::to_string(n));
    const base::TemporaryDirectory directory(tests::fault_directory(), "lifeboat-expire-fault");
    fs::copy(made_->path(), directory.path(), fs::copy_options::recursive);
    FaultyFileSystem files(directory.path());
    files.strike_at(n, GetParam());
    const bool succeeded = expire(directory.path(), files);
    if (files.struck()) last = n + 1;
    if (succeeded && !files.struck()) files.lose_power();
    seen.insert(Aftermath(directory.path()).labels().size());
    look(directory.path(), succeeded);
    if (HasFailure()) return;
  }
  EXPECT_GT(last, 10U) << "the fault never struck";
  EXPECT_TRUE(seen.contains(1)) << "the whole chain but its last";
  if (GetParam() != Fault::no_space) {  // which removing does not need
    EXPECT_TRUE(seen.contains(3)) << "nothing yet";
  }
}

INSTANTIATE_TEST_SUITE_P(EveryFault, ExpireOfAChain, ::testing::ValuesIn(tests::all_faults), [](const auto& fault) {
  auto name = tests::to_string(fault.param);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

}  // namespace
