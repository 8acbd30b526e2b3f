// WAL that is sound object by object, and with a hole in it, or in contradiction to itself: the hole is named, and each
// backup is judged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/wal/wal_archive.hpp"
#include "tests/unit/backup_engine/verify/verified_repository.hpp"

namespace fs = std::filesystem;
namespace store = backup_engine::store;
namespace postgres = backup_engine::postgres;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

class VerifyHeldWal : public tests::VerifiedRepository {};

TEST_F(VerifyHeldWal, NamesTheHoleThatKeepsEveryBackupFromTheNewestWal) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  auto wal = tests::some_wal();
  while (wal.end() < postgres::Lsn(0x1300000)) wal.filler(5000);
  const auto bytes = tests::signed_wal(wal);
  tests::put_wal_part(*storage_, "main", bytes, tests::wal_stop, 0x1200000);
  tests::put_wal_part(*storage_, "main", bytes, 0x1200000, 0x1200800);
  tests::put_wal_part(*storage_, "main", bytes, 0x1200800, 0x1201000);
  tests::put_wal_part(*storage_, "main", bytes, 0x1201000, 0x1201800);
  ASSERT_THAT(verify().damage, IsEmpty());
  const auto size = tests::some_cluster().wal_segment_size;
  const postgres::WalSegment open{postgres::TimelineId(1), 18};
  for (const std::uint64_t offset : {0U, 0x800U}) {
    const auto name = store::wal_part_name("main", open, size, offset, offset + 0x800);
    remove(name);
    const auto result = verify();
    ASSERT_EQ(result.damage.size(), 1U);
    EXPECT_THAT(result.damage[0].object, HasSubstr("000000010000000000000012"));
    const auto hole = offset == 0 ? "from 0/1200000 to 0/1200800" : "from 0/1200800 to 0/1201000";
    EXPECT_THAT(result.damage[0].text, AllOf(HasSubstr("newest"), HasSubstr(hole)));
    EXPECT_TRUE(result.backups.at(0).restorable);
    EXPECT_EQ(result.backups[0].spans.at(0).latest, postgres::Lsn(0x1200000)) << "recovery gets whole segments or none";
    tests::put_wal_part(*storage_, "main", bytes, 0x1200000 + offset, 0x1200800 + offset);
  }
  EXPECT_THAT(verify().damage, IsEmpty());
}

TEST_F(VerifyHeldWal, NamesTheRecordedGapBeforeTheNewestWal) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  backup_engine::wal::WalArchive archive(*storage_, "main", tests::some_cluster().wal_segment_size, {});
  const postgres::TimelineId timeline(1);
  archive.put_segment({timeline, 20}, tests::one_segment({timeline, 20}));
  const backup_engine::wal::WalGap gap{timeline, postgres::Lsn(0x1180000), postgres::Lsn(0x1400000)};
  archive.put_gap(gap, "removed on the server");
  const auto result = verify();
  ASSERT_FALSE(result.damage.empty());
  EXPECT_THAT(result.damage,
              testing::Contains(AllOf(
                  Field(&backup_engine::RepositoryDamage::object, backup_engine::wal::gap_object_name("main", gap)),
                  Field(&backup_engine::RepositoryDamage::text, HasSubstr("0/1180000 to 0/1400000")))));
  EXPECT_FALSE(result.backups.at(0).restorable) << "its last segment would be refused to recovery";
}

TEST_F(VerifyHeldWal, FindsThatTwoReceiversWroteOtherWalIntoOneSegmentAndGoesOn) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  auto bytes = tests::signed_wal(tests::some_wal());
  bytes[0x150000] ^= std::byte{1};
  tests::put_wal_part(*storage_, "main", bytes, 0x1100000, tests::wal_stop);
  const auto result = verify();
  ASSERT_EQ(result.damage.size(), 1U);
  EXPECT_THAT(result.damage[0].text, HasSubstr("holds other WAL"));
  ASSERT_EQ(result.backups.size(), 1U);
  EXPECT_FALSE(result.backups[0].restorable);
}

TEST_F(VerifyHeldWal, JudgesABackupBehindWhoseWalTwoReceiversDisagree) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  auto wal = tests::some_wal();
  while (wal.end() < postgres::Lsn(0x1210000)) wal.filler(5000);
  auto bytes = tests::signed_wal(wal);
  tests::put_wal_part(*storage_, "main", bytes, tests::wal_stop, 0x1200000);
  tests::put_wal_part(*storage_, "main", bytes, 0x1200000, 0x1208000);
  bytes[0x1201000 - tests::wal_start] ^= std::byte{1};
  tests::put_wal_part(*storage_, "main", bytes, 0x1200000, 0x1204000);
  const auto result = verify();
  ASSERT_EQ(result.damage.size(), 1U);
  EXPECT_THAT(result.damage[0].text, HasSubstr("holds other WAL"));
  EXPECT_TRUE(result.backups.at(0).restorable);
  EXPECT_EQ(result.backups[0].spans.at(0).latest, postgres::Lsn(tests::wal_stop));
}

TEST_F(VerifyHeldWal, ClaimsNothingOfASegmentWithADamagedPart) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  auto wal = tests::some_wal();
  const std::uint64_t third = 0x1200000;
  while (wal.end() < postgres::Lsn(third + 20'000)) wal.filler(5000);
  const auto bytes = tests::signed_wal(wal);
  const auto end = wal.end().position_bytes();
  tests::put_wal_part(*storage_, "main", bytes, tests::wal_stop, third);
  tests::put_wal_part(*storage_, "main", bytes, third, third + 9000);
  tests::put_wal_part(*storage_, "main", bytes, third + 9000, end);
  EXPECT_EQ(verify().backups[0].spans[0].latest, wal.end());
  const postgres::WalSegment segment{postgres::TimelineId(1), 18};
  const auto name = store::wal_part_name("main", segment, tests::some_cluster().wal_segment_size, 9000, end - third);
  fs::resize_file(fs::path(location_.text) / name, 150);
  const auto result = verify();
  EXPECT_THAT(result.damage, ElementsAre(Field(&backup_engine::RepositoryDamage::object, name)));
  EXPECT_TRUE(result.backups[0].restorable);
  EXPECT_EQ(result.backups[0].spans[0].latest, postgres::Lsn(third)) << "recovery gets whole segments or none";
}

TEST_F(VerifyHeldWal, FindsSoundWalUnderTheWrongName) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  auto wal = tests::some_wal();
  while (wal.end() < postgres::Lsn(0x1200000)) wal.filler(5000);
  tests::put_wal_part(*storage_, "main", tests::signed_wal(wal), tests::wal_stop, 0x1200000);
  const auto size = tests::some_cluster().wal_segment_size;
  const postgres::WalSegment first{postgres::TimelineId(1), 16}, later{postgres::TimelineId(1), 40};
  const auto name = store::wal_segment_name("main", later, size, backup_engine::Codec::lz4);
  const auto path = fs::path(location_.text) / name;
  fs::create_directories(path.parent_path());
  fs::copy_file(fs::path(location_.text) / store::wal_segment_name("main", first, size, backup_engine::Codec::lz4),
                path);
  const auto result = verify();
  ASSERT_EQ(result.damage.size(), 1U);
  EXPECT_EQ(result.damage[0].object, name);
  EXPECT_THAT(result.damage[0].text, HasSubstr("0/1000000"));
}

TEST_F(VerifyHeldWal, FindsSoundBytesThatAreNoRecordsOfWal) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  const auto size = tests::some_cluster().wal_segment_size;
  const postgres::WalSegment second{postgres::TimelineId(1), 17};
  const auto name = store::wal_part_name("main", second, size, 0x40000, 0x80000);
  remove(name);
  auto bytes = tests::signed_wal(tests::some_wal());
  bytes[0x150000] ^= std::byte{1};
  tests::put_wal_part(*storage_, "main", bytes, 0x1140000, tests::wal_stop);
  const auto result = verify();
  ASSERT_EQ(result.damage.size(), 1U);
  EXPECT_EQ(result.damage[0].object, name);
  EXPECT_THAT(result.damage[0].text, HasSubstr("no record of WAL follows at 0/11"));
  EXPECT_FALSE(result.backups[0].restorable);
}

TEST_F(VerifyHeldWal, TakesARecordedGapForWhatItIs) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  backup_engine::wal::WalArchive archive(*storage_, "main", tests::some_cluster().wal_segment_size, {});
  const backup_engine::wal::WalGap gap{postgres::TimelineId(1), postgres::Lsn(0x1200000), postgres::Lsn(0x1400000)};
  archive.put_gap(gap, "removed on the server");
  EXPECT_THAT(archive.read_gap(gap), HasSubstr("removed on the server"));
  const auto result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  EXPECT_THAT(result.debris, IsEmpty());
}

}  // namespace
