// Whoever relies on what another put makes it durable first: a put whose last sync failed leaves an object that is
// visible and that a power loss takes.
#include "tests/fault/backup_trial.hpp"

#include "backup_engine/base/error.hpp"
#include "backup_engine/retention/expire.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
using backup_engine::BackupType;
using ::testing::IsEmpty;
using ::testing::Not;
using tests::Aftermath;
using tests::cluster_files;
using tests::Fault;
using tests::FaultyFileSystem;

namespace {

// Fails `work` at its n-th operation. True when it said so.
bool fails_at(FaultyFileSystem& files, std::uint64_t n, const std::function<void()>& work) {
  files.strike_at(files.operations() + n, Fault::fail);
  try {
    work();
    return false;
  } catch (const base::Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("simulated"));
    return true;
  }
}

TEST(RelyingOnOthers, ABackupIsPublishedOnlyOnWalThatIsDurable) {
  unsigned relied = 0;
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE("WAL whose operation " + std::to_string(n) + " failed");
    const base::TemporaryDirectory directory(tests::fault_directory(), "lifeboat-relied-on");
    FaultyFileSystem files(directory.path());
    const backup_engine::RepositoryLocation location{(directory.path() / "repository").string()};
    store::init_repository(location, files);
    const auto storage = store::open_repository(location, files);
    store::open_or_create_cluster(*storage, "main", tests::some_cluster());
    if (!fails_at(files, n, [&] { tests::put_wal(*storage, "main"); })) break;
    const bool all_there = storage->list(store::wal_prefix("main")).size() == 3;
    if (!all_there) continue;
    ++relied;
    const auto label = tests::take(directory.path(), files, BackupType::full, 0);
    files.lose_power();
    Aftermath aftermath(directory.path());
    aftermath.expect_verify_tells_the_truth();
    aftermath.expect_holds({{label, cluster_files(0)}});
    if (HasFailure()) return;
  }
  EXPECT_EQ(relied, 1U);
}

TEST(RelyingOnOthers, ExpireRemovesNothingForTheSakeOfABackupThatIsNotDurable) {
  unsigned relied = 0;
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE("a full whose operation " + std::to_string(n) + " failed");
    const base::TemporaryDirectory directory(tests::fault_directory(), "lifeboat-relied-on");
    const auto chain = tests::make_chain(directory.path());
    FaultyFileSystem files(directory.path());
    const bool failed =
        fails_at(files, n, [&] { static_cast<void>(tests::take(directory.path(), files, BackupType::full, 2)); });
    if (!files.struck()) break;
    const auto storage = store::open_repository({(directory.path() / "repository").string()}, files);
    if (!failed || store::list_backup_labels(*storage, "main").size() == chain.size()) continue;
    ++relied;
    backup_engine::ExpireRequest request;
    request.rules.keep_full = 1;
    EXPECT_EQ(backup_engine::retention::expire_cluster(*storage, "main", request).expired.size(), chain.size());
    files.lose_power();
    Aftermath aftermath(directory.path());
    aftermath.expect_verify_tells_the_truth();
    ASSERT_THAT(aftermath.labels(), Not(IsEmpty()));
    aftermath.expect_holds({{*aftermath.labels().rbegin(), cluster_files(2)}});
    if (HasFailure()) return;
  }
  EXPECT_EQ(relied, 1U);
}

}  // namespace
