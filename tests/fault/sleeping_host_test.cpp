// A host that falls asleep before any one of its operations, while others revoke what it holds, remove what it built
// on, or build on what it removes; and then wakes and goes on.
#include "backup_engine/base/error.hpp"
#include "backup_engine/retention/expire.hpp"
#include "tests/fault/backup_trial.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
using backup_engine::BackupType;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using tests::Aftermath;
using tests::cluster_files;
using tests::FaultyFileSystem;

namespace {

void expire(const fs::path& directory, base::FileSystem& files, const backup_engine::RetentionRules& rules) {
  backup_engine::ExpireRequest request;
  request.rules = rules;
  const auto storage = store::open_repository({(directory / "repository").string()}, files);
  backup_engine::retention::expire_cluster(*storage, "main", request);
}

backup_engine::RetentionRules newest_chain() {
  backup_engine::RetentionRules rules;
  rules.keep_full = 1;
  return rules;
}

backup_engine::RetentionRules newest_of_today() {
  backup_engine::RetentionRules rules;
  rules.keep_daily = 1;
  return rules;
}

class SleepingHost : public ::testing::Test {
 protected:
  SleepingHost() : published_(tests::make_chain(made_.path())) {}

  // A copy of what was made, and `work` there, asleep before its n-th operation. True when it slept.
  bool sleep_at(std::uint64_t n, const std::function<void(const fs::path&, FaultyFileSystem&)>& work,
                const std::function<void(const fs::path&)>& meanwhile,
                const std::function<void(const fs::path&)>& look) const {
    SCOPED_TRACE("asleep before operation " + std::to_string(n));
    const base::TemporaryDirectory directory(tests::fault_directory(), "lifeboat-sleeping");
    fs::copy(made_.path(), directory.path(), fs::copy_options::recursive);
    FaultyFileSystem files(directory.path());
    files.sleep_at(n, [&] { meanwhile(directory.path()); });
    work(directory.path(), files);
    if (files.operations() < n) return false;
    look(directory.path());
    return !HasFailure();
  }

  base::TemporaryDirectory made_{tests::fault_directory(), "lifeboat-sleeping"};
  tests::Published published_;
};

TEST_F(SleepingHost, ABackupThatIsRevokedAndWhoseChainExpiresIsRefusedOrExpiredByRule) {
  std::string error, other;
  std::set<std::string> endings;
  const auto work = [&](const fs::path& directory, FaultyFileSystem& files) {
    error.clear();
    try {
      tests::take(directory, files, BackupType::incremental, 2);
    } catch (const base::Error& thrown) {
      EXPECT_THAT(thrown.kind(), AnyOf(base::ErrorKind::not_found, base::ErrorKind::process)) << thrown.what();
      EXPECT_FALSE(thrown.remedy().empty()) << thrown.what();
      error = thrown.what();
    }
  };
  const auto meanwhile = [&](const fs::path& directory) {
    FaultyFileSystem files(directory);
    other = tests::take(directory, files, BackupType::full, 3);
    const auto storage = store::open_repository({(directory / "repository").string()}, files);
    for (const auto& intent : store::list_intents(*storage, "main")) {
      store::revoke_intent(*storage, "main", intent.label);
    }
    expire(directory, files, newest_chain());
    EXPECT_EQ(store::list_backup_labels(*storage, "main"), std::vector{other});
  };
  const auto look = [&](const fs::path& directory) {
    // Published before it fell asleep, and expired by the rule like the rest of its chain; or refused.
    EXPECT_THAT(error, AnyOf("", HasSubstr("was revoked while it was being taken: it is not published"),
                             HasSubstr("which the backup rests on, expired just now")));
    endings.insert(error.substr(error.rfind(' ') + 1));
    Aftermath aftermath(directory);
    EXPECT_EQ(aftermath.labels(), std::set{other});
    aftermath.expect_verify_tells_the_truth();
    aftermath.expect_holds({{other, cluster_files(3)}});
    aftermath.clean_up(tests::keep_all());
    aftermath.expect_nothing_else();
    FaultyFileSystem sound(directory);
    const auto next = tests::take(directory, sound, BackupType::incremental, 2);
    Aftermath(directory).expect_restores(next, cluster_files(2));
  };
  std::uint64_t n = 1;
  while (sleep_at(n, work, meanwhile, look)) ++n;
  EXPECT_GT(n, 50U);
  EXPECT_EQ(endings.size(), 3U) << "some before its intent, most after it, some after its manifest";
}

// Only the last of the chain is to stay, and meanwhile a differential builds on the full that goes.
TEST_F(SleepingHost, AnExpireLeavesWhatABackupThatBeganMeanwhileBuildsOn) {
  FaultyFileSystem sound(made_.path());
  const auto kept = tests::take(made_.path(), sound, BackupType::incremental, 2);
  std::string began;
  unsigned built = 0, refused = 0;
  const auto work = [&](const fs::path& directory, FaultyFileSystem& files) {
    expire(directory, files, newest_of_today());
  };
  const auto meanwhile = [&](const fs::path& directory) {
    began.clear();
    FaultyFileSystem files(directory);
    try {
      began = tests::take(directory, files, BackupType::differential, 3);
      ++built;
    } catch (const base::Error& error) {
      EXPECT_THAT(error.what(), StartsWith("cluster main has no full backup that the differential backup could build"));
      ++refused;
    }
  };
  const auto look = [&](const fs::path& directory) {
    Aftermath aftermath(directory);
    tests::Published expected{{kept, cluster_files(2)}};
    if (!began.empty()) expected[began] = cluster_files(3);
    EXPECT_EQ(aftermath.labels().size(), expected.size());
    aftermath.expect_verify_tells_the_truth();
    aftermath.expect_holds(expected);
    for (const auto& [label, files] : expected) aftermath.expect_restores(label, files);
    aftermath.clean_up(tests::keep_all());
    aftermath.expect_nothing_else();
  };
  std::uint64_t n = 1;
  while (sleep_at(n, work, meanwhile, look)) ++n;
  EXPECT_GT(n, 10U);
  EXPECT_GE(built, 1U);
  EXPECT_GE(refused, 1U);
}

// It was killed and nobody revoked it: what it holds stays while it goes on, and goes when its word is taken from it.
TEST_F(SleepingHost, AnExpireBesideABackupThatBeganMeanwhileAndGoesOnRemovesNothingOfIt) {
  FaultyFileSystem sound(made_.path());
  const auto kept = tests::take(made_.path(), sound, BackupType::incremental, 2);
  unsigned held = 0;
  const auto work = [&](const fs::path& directory, FaultyFileSystem& files) {
    expire(directory, files, newest_of_today());
  };
  std::set<std::string> put;
  const auto meanwhile = [&](const fs::path& directory) {
    put.clear();
    FaultyFileSystem files(directory);
    files.strike_at(45, tests::Fault::killed);
    EXPECT_THROW(tests::take(directory, files, BackupType::differential, 3), base::Error);
    Aftermath aftermath(directory);
    for (const auto& intent : aftermath.intents()) {
      const auto folder = store::backup_prefix("main", intent.label);
      for (const auto& entry : fs::recursive_directory_iterator(directory / "repository" / folder)) {
        if (entry.is_regular_file()) put.insert(entry.path().string());
      }
      for (const auto& name :
           {store::pack_name("main", intent.chain.front(), 0), store::block_index_name("main", intent.chain.front())}) {
        put.insert((directory / "repository" / name).string());
      }
      ++held;
    }
  };
  const auto look = [&](const fs::path& directory) {
    for (const auto& file : put) EXPECT_TRUE(fs::exists(file)) << file;
    Aftermath aftermath(directory);
    aftermath.expect_verify_tells_the_truth();
    aftermath.expect_holds({{kept, cluster_files(2)}});
    aftermath.clean_up(newest_of_today());
    aftermath.expect_nothing_else();
    aftermath.expect_holds({{kept, cluster_files(2)}});
  };
  std::uint64_t n = 1;
  while (sleep_at(n, work, meanwhile, look)) ++n;
  EXPECT_GT(n, 10U);
  EXPECT_GE(held, 1U);
}

}  // namespace
