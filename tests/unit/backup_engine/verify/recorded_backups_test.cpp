// Backups that the operations log knows and the repository no longer holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/operations/log.hpp"
#include "backup_engine/verify.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace {

class RecordedBackup : public ::testing::Test {
 protected:
  RecordedBackup() {
    store::init_repository(location_, files_);
    storage_ = store::open_repository(location_, files_);
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
    tests::put_wal(*storage_, "main");
  }
  void record(const std::string& cluster, const std::string& verb, base::UtcTime from, base::UtcTime to) {
    backup_engine::Operation done;
    done.cluster = cluster;
    done.verb = verb;
    done.user = "root";
    done.host = "db1";
    done.started_at = from;
    done.finished_at = to;
    done.outcome = "done";
    backup_engine::operations::append(*storage_, done);
  }
  std::string take_recorded_backup() {
    const auto from = base::utc_now();
    auto label = tests::put_backup(*storage_, "main", tests::some_files(4096));
    record("main", "backup", from, base::utc_now());
    return label;
  }
  void remove(const std::string& object) const { fs::remove_all(fs::path(location_.text) / object); }
  [[nodiscard]] backup_engine::VerifyResult verify() const {
    base::NoProgress progress;
    return backup_engine::verify_repository({location_, {}, {}, 1}, progress);
  }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-verify"};
  tests::FaultyFileSystem files_{directory_.path()};
  backup_engine::RepositoryLocation location_{(directory_.path() / "repository").string()};
  std::unique_ptr<store::Storage> storage_;
};

TEST_F(RecordedBackup, WhoseManifestIsGoneIsDamageAndNoDebris) {
  const auto label = take_recorded_backup();
  EXPECT_THAT(verify().damage, IsEmpty());
  remove(store::manifest_name("main", label));
  const auto result = verify();
  ASSERT_THAT(result.damage, SizeIs(1));
  EXPECT_EQ(result.damage[0].object, store::manifest_name("main", label));
  EXPECT_THAT(result.damage[0].text, AllOf(HasSubstr(label), HasSubstr("root on db1"), HasSubstr("nobody expired it")));
  EXPECT_THAT(result.debris, IsEmpty());
}

TEST_F(RecordedBackup, OfWhichNothingIsLeftIsDamageToo) {
  const auto label = take_recorded_backup();
  remove(store::backup_prefix("main", label));
  const auto result = verify();
  ASSERT_THAT(result.damage, SizeIs(1));
  EXPECT_THAT(result.damage[0].text, HasSubstr("is gone"));
}

TEST_F(RecordedBackup, MayHaveGoneWithALaterExpireOfThisOrOfAllClusters) {
  const auto label = take_recorded_backup();
  remove(store::manifest_name("main", label));
  record("main", "expire --dry-run", base::utc_now(), base::utc_now());
  EXPECT_THAT(verify().damage, SizeIs(1)) << "which removes nothing";
  record("", "expire", base::utc_now(), base::utc_now());
  EXPECT_THAT(verify().damage, IsEmpty());

  const auto next = take_recorded_backup();
  remove(store::manifest_name("main", next));
  EXPECT_THAT(verify().damage, SizeIs(1));
  record("main", "expire", base::utc_now(), base::utc_now());
  EXPECT_THAT(verify().damage, IsEmpty());
}

// Which removed the manifest, and was killed before it could be recorded.
TEST_F(RecordedBackup, MayHaveGoneWithAnExpireThatOnlyBegan) {
  for (const std::string log : {"main", ""}) {
    const auto label = take_recorded_backup();
    remove(store::manifest_name("main", label));
    EXPECT_THAT(verify().damage, SizeIs(1));
    record(log, "expire start", base::utc_now(), base::utc_now());
    EXPECT_THAT(verify().damage, IsEmpty());
  }
}

// Or the clock of the host that expires is behind that of the one that backs up.
TEST_F(RecordedBackup, MayHaveGoneWithALaterExpireThoughTheClockWasPutBack) {
  const auto an_hour_ago = [] { return base::utc_now() - std::chrono::hours(1); };
  record("main", "expire", an_hour_ago(), an_hour_ago());
  const auto label = take_recorded_backup();
  remove(store::manifest_name("main", label));
  EXPECT_THAT(verify().damage, SizeIs(1)) << "which came before it";
  record("main", "expire", an_hour_ago(), an_hour_ago());
  EXPECT_THAT(verify().damage, IsEmpty());

  const auto next = take_recorded_backup();
  remove(store::manifest_name("main", next));
  record("", "expire", an_hour_ago(), an_hour_ago());
  EXPECT_THAT(verify().damage, SizeIs(1)) << "nobody knows which came first";
  record("main", "list", an_hour_ago() - std::chrono::minutes(1), an_hour_ago() - std::chrono::minutes(1));
  EXPECT_THAT(verify().damage, IsEmpty()) << "the clock was put back in between";
}

TEST_F(RecordedBackup, IsNotMissedWhereItCameToNothing) {
  const auto label = tests::put_backup(*storage_, "main", tests::some_files(4096));
  remove(store::manifest_name("main", label));  // as one that was killed: nobody recorded it
  const auto result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  EXPECT_FALSE(result.debris.empty());
}

}  // namespace
