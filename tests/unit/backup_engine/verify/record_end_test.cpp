// Spans end where the records of WAL do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/verify.hpp"
#include "tests/fault/faulty_file_system.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace base = backup_engine::base;
namespace store = backup_engine::store;
namespace postgres = backup_engine::postgres;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

class RecordsOfSpans : public ::testing::Test {
 protected:
  RecordsOfSpans() : location_{(directory_.path() / "repository").string()} {
    store::init_repository(location_, files_);
    storage_ = store::open_repository(location_, files_);
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
    tests::put_backup(*storage_, "main", tests::some_files(4096));
    tests::put_wal(*storage_, "main");
  }
  [[nodiscard]] backup_engine::VerifyResult verify() const {
    base::NoProgress progress;
    return backup_engine::verify_repository({location_, {}, {}, 2}, progress);
  }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-verify"};
  tests::FaultyFileSystem files_{directory_.path()};  // without a fault: does not wait for the disk
  backup_engine::RepositoryLocation location_;
  std::unique_ptr<store::Storage> storage_;
};

// What is left when the WAL of a server that was put back to an earlier state was joined to what was held.
TEST_F(RecordsOfSpans, EndWhereAnotherHistoryWasJoined) {
  auto wal = tests::some_wal(), other = tests::some_wal();
  const std::uint64_t third = 0x1200000, end = 0x1300000;
  while (wal.end() < postgres::Lsn(end)) wal.filler(5000);
  while (other.end() < postgres::Lsn(end)) other.filler(6000);
  tests::put_wal_part(*storage_, "main", tests::signed_wal(wal), tests::wal_stop, third);
  tests::put_wal_part(*storage_, "main", tests::signed_wal(other), third, end);
  const auto result = verify();
  ASSERT_EQ(result.damage.size(), 1U);
  EXPECT_THAT(result.damage[0].text, AllOf(HasSubstr("held up to 0/1300000"), HasSubstr("put back")));
  EXPECT_TRUE(result.backups[0].restorable);
  const auto& span = result.backups[0].spans.at(0);
  EXPECT_LE(span.latest, postgres::Lsn(third));
  EXPECT_GT(span.latest, postgres::Lsn(third - 10'000));
}

TEST_F(RecordsOfSpans, EndWhereMinimalWalBegins) {
  auto wal = tests::some_wal();
  while (wal.end() < postgres::Lsn(0x1190000)) wal.filler(5000);
  const auto minimal = wal.change_parameters(0);
  const std::uint64_t segment = 0x1200000, end = 0x1300000;
  while (wal.end() < postgres::Lsn(end)) wal.filler(5000);
  tests::put_wal_part(*storage_, "main", tests::signed_wal(wal), tests::wal_stop, segment);
  tests::put_wal_part(*storage_, "main", tests::signed_wal(wal), segment, end);
  const auto result = verify();
  EXPECT_TRUE(result.backups[0].restorable);
  const auto& span = result.backups[0].spans.at(0);
  EXPECT_EQ(span.latest, minimal);
  EXPECT_TRUE(span.ends_in_minimal);
  ASSERT_EQ(result.damage.size(), 1U) << "no backup reaches the newest WAL";
  EXPECT_THAT(result.damage[0].text, AllOf(HasSubstr(to_string(minimal)), HasSubstr("wal_level = minimal begins there"),
                                           HasSubstr("take a new backup")));
}

// Of a server that died: pushed by hand, with zeros behind its last record.
TEST_F(RecordsOfSpans, EndWithTheLastSegmentOfADeadServerWithoutDamage) {
  auto wal = tests::some_wal();
  while (wal.end() < postgres::Lsn(0x1240000)) wal.filler(5000);
  const auto written = wal.end();
  wal.bytes().resize(3 * 0x100000);
  tests::put_wal_part(*storage_, "main", tests::signed_wal(wal), tests::wal_stop, 0x1200000);
  tests::put_wal_part(*storage_, "main", tests::signed_wal(wal), 0x1200000, 0x1300000);
  const auto result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  EXPECT_EQ(result.backups[0].spans.at(0).latest, written);
}

}  // namespace
