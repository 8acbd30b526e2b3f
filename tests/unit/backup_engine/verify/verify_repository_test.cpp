#include "backup_engine/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

class Verify : public ::testing::Test {
 protected:
  Verify() : location_{(directory_.path() / "repository").string()} {
    store::init_repository(location_, files_);
    storage_ = store::open_repository(location_, files_);
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
  }
  [[nodiscard]] backup_engine::VerifyResult verify(std::optional<std::string> cluster = {},
                                                   std::optional<std::string> label = {}) const {
    base::NoProgress progress;
    return backup_engine::verify_repository({location_, std::move(cluster), std::move(label), 2}, progress);
  }
  void remove(const std::string& object) const { fs::remove(fs::path(location_.text) / object); }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-verify"};
  tests::FaultyFileSystem files_{directory_.path()};  // without a fault: does not wait for the disk
  backup_engine::RepositoryLocation location_;
  std::unique_ptr<store::Storage> storage_;
};

}  // namespace

TEST_F(Verify, FindsNothingInASoundRepositoryAndReadsAllOfIt) {
  const auto label = tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  const auto result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  EXPECT_THAT(result.debris, IsEmpty());
  ASSERT_EQ(result.backups.size(), 1U);
  EXPECT_EQ(result.backups[0].label, label);
  EXPECT_TRUE(result.backups[0].restorable);
  EXPECT_EQ(result.objects, storage_->list("").size());
  EXPECT_EQ(result.wal_segments, 1U);
  // PG_VERSION 1, 1000: 6, 1001: 2, mixed: 4 of which 2 are zeros, zeros: none stored.
  EXPECT_EQ(result.blocks, 11U);
}

TEST_F(Verify, NamesAMissingPackAndTheBackupThatNeedsIt) {
  const auto label = tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  const auto pack = store::pack_name("main", label, 0);
  remove(pack);
  const auto result = verify();
  EXPECT_THAT(result.damage, ElementsAre(AllOf(Field(&backup_engine::RepositoryDamage::object, pack),
                                               Field(&backup_engine::RepositoryDamage::text, "missing"))));
  ASSERT_EQ(result.backups.size(), 1U);
  EXPECT_FALSE(result.backups[0].restorable);
  EXPECT_THAT(result.backups[0].reason, HasSubstr(pack));
}

TEST_F(Verify, NamesEveryOtherMissingObject) {
  const auto label = tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  for (const auto& name : {store::file_table_name("main", label), store::block_root_name("main", label),
                           store::block_index_name("main", label), store::block_hashes_name("main", label),
                           store::cluster_document("main")}) {
    const auto bytes = storage_->read(name);
    remove(name);
    const auto result = verify();
    EXPECT_THAT(result.damage, ElementsAre(Field(&backup_engine::RepositoryDamage::object, name)));
    storage_->put(name, bytes, store::Durability::now);
  }
  EXPECT_THAT(verify().damage, IsEmpty());
}

TEST_F(Verify, CallsABackupWithoutItsWalNotRestorable) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  const auto size = tests::some_cluster().wal_segment_size;
  const backup_engine::postgres::WalSegment second{backup_engine::postgres::TimelineId(1), 17};
  remove(store::wal_part_name("main", second, size, 0x40000, 0x80000));
  // The backup stops at 0/1180000: the first part alone reaches to 0/1140000.
  const auto result = verify();
  ASSERT_EQ(result.backups.size(), 1U);
  EXPECT_FALSE(result.backups[0].restorable);
  EXPECT_THAT(result.backups[0].reason, AllOf(HasSubstr("000000010000000000000011"), HasSubstr("0/1140000")));
  ASSERT_EQ(result.damage.size(), 1U);
  EXPECT_THAT(result.damage[0].text, HasSubstr("missing"));
}

TEST_F(Verify, CountsTheLeftoversOfAnInterruptedBackupAsDebrisNotAsDamage) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  const auto orphan = store::pack_name("main", "20200101T000000Z-full", 0);
  storage_->put(orphan, std::string_view("half a pack"), store::Durability::now);
  const auto result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  EXPECT_THAT(result.debris, ElementsAre(orphan));
  EXPECT_EQ(result.backups.size(), 1U);
}

TEST_F(Verify, LooksOnlyAtTheBackupAskedFor) {
  const auto first = tests::put_backup(*storage_, "main", tests::some_files(4096));
  const auto second = tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  remove(store::pack_name("main", first, 0));
  EXPECT_THAT(verify("main", second).damage, IsEmpty());
  EXPECT_EQ(verify("main", first).damage.size(), 1U);
  EXPECT_EQ(verify().backups.size(), 2U);
}

TEST_F(Verify, SaysThatWhatItWasAskedForIsNotThere) {
  EXPECT_THROW(static_cast<void>(verify("other")), base::Error);
  EXPECT_THROW(static_cast<void>(verify("main", "20200101T000000Z-full")), base::Error);
  base::NoProgress progress;
  EXPECT_THROW(static_cast<void>(backup_engine::verify_repository({{directory_.path().string()}, {}, {}, 1}, progress)),
               base::Error);
}

TEST_F(Verify, FindsABackupOfAnotherServer) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  auto other = tests::some_cluster();
  other.system_identifier += 1;
  remove(store::cluster_document("main"));
  store::open_or_create_cluster(*storage_, "main", other);
  const auto result = verify();
  ASSERT_EQ(result.damage.size(), 1U);
  EXPECT_THAT(result.damage[0].text, HasSubstr("7300000000000000002"));
}

TEST_F(Verify, StopsWhenAsked) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  std::stop_source stop;
  stop.request_stop();
  base::NoProgress progress;
  try {
    static_cast<void>(backup_engine::verify_repository({location_, {}, {}, 1}, progress, stop.get_token()));
    FAIL() << "went on";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::interrupted);
  }
}
