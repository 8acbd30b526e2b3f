// Verification beside an expire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/verify.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace base = backup_engine::base;
namespace store = backup_engine::store;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

class VerifyBesideExpire : public ::testing::Test {
 protected:
  VerifyBesideExpire() : location_{(directory_.path() / "repository").string()} {
    store::init_repository(location_, files_);
    storage_ = store::open_repository(location_, files_);
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
  }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-verify"};
  tests::FaultyFileSystem files_{directory_.path()};  // without a fault: does not wait for the disk
  backup_engine::RepositoryLocation location_;
  std::unique_ptr<store::Storage> storage_;
};

// Removes a backup, as expire does, once the manifest of another has been read.
class ExpiringMeanwhile : public base::Progress {
 public:
  ExpiringMeanwhile(store::Storage& storage, const std::string& reading, std::string going)
      : storage_(storage),
        moment_(storage.size(store::manifest_name("main", reading)).value()),
        going_(std::move(going)) {}
  void begin(std::string_view, std::uint64_t) override {}
  void end() override {}
  void advance(std::uint64_t bytes) override {
    if (bytes != moment_ || going_.empty()) return;
    storage_.remove(store::manifest_name("main", going_));
    for (const auto& object : storage_.list(store::backup_prefix("main", going_))) storage_.remove(object.name);
    going_.clear();
  }

 private:
  store::Storage& storage_;
  const std::uint64_t moment_;
  std::string going_;
};

}  // namespace

// One that it has yet to look at, and the one that it is looking at.
TEST_F(VerifyBesideExpire, CallsNothingDamagedThatExpiredWhileItLooked) {
  for (const bool the_same : {false, true}) {
    const auto first = tests::put_backup(*storage_, "main", tests::some_files(4096));
    const auto second = tests::put_backup(*storage_, "main", tests::some_files(4096));
    tests::put_wal(*storage_, "main");
    ExpiringMeanwhile expiring(*storage_, first, the_same ? first : second);
    const auto result = backup_engine::verify_repository({location_, "main", {}, 2}, expiring);
    EXPECT_THAT(result.damage, IsEmpty());
    EXPECT_THAT(result.debris, IsEmpty());
    ASSERT_EQ(result.backups.size(), 1U);
    EXPECT_EQ(result.backups[0].label, the_same ? second : first);
    for (const auto& object : storage_->list("clusters/main/")) {
      if (object.name != store::cluster_document("main")) storage_->remove(object.name);
    }
  }
}

TEST_F(VerifyBesideExpire, SaysThatTheBackupAskedForExpiredWhileItLooked) {
  const auto label = tests::put_backup(*storage_, "main", tests::some_files(4096));
  ExpiringMeanwhile expiring(*storage_, label, label);
  try {
    static_cast<void>(backup_engine::verify_repository({location_, "main", label, 2}, expiring));
    ADD_FAILURE() << "verified what is gone";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::not_found);
    EXPECT_THAT(error.what(), HasSubstr("expired"));
  }
}
