#include "backup_engine/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "tests/support/failure.hpp"
#include "tests/support/newer_format.hpp"
#include "tests/unit/backup_engine/verify/small_chain.hpp"
#include "tests/unit/backup_engine/verify/verified_repository.hpp"

namespace fs = std::filesystem;
namespace base = backup_engine::base;
namespace store = backup_engine::store;
namespace postgres = backup_engine::postgres;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

class Verify : public tests::VerifiedRepository {};

}  // namespace

// A folder of somebody else's must not keep the clusters from being verified.
TEST_F(Verify, TakesAFolderThatCanBeNoClusterForDebris) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  fs::create_directories(fs::path(location_.text) / "clusters/lost and found");
  std::ofstream(fs::path(location_.text) / "clusters/lost and found/#42").flush();
  const auto result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  EXPECT_THAT(result.debris, ElementsAre("clusters/lost and found/#42"));
  ASSERT_EQ(result.backups.size(), 1U);
  EXPECT_TRUE(result.backups[0].restorable);
}

// Backups of before such a one was refused.
TEST_F(Verify, NamesATablespaceOfWhichABackupHoldsNothing) {
  const auto label = tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  const auto name = store::manifest_name("main", label);
  auto manifest = store::read_manifest(*storage_, "main", label);
  const auto verify_with = [&](const store::Manifest& changed) {
    storage_->remove(name);
    store::put_document(*storage_, name, store::encode_manifest(changed), store::Durability::now);
    return verify();
  };
  manifest.tablespace_map_text = "16388 /mnt/fast\n";
  const auto result = verify_with(manifest);
  EXPECT_THAT(result.damage,
              ElementsAre(AllOf(Field(&backup_engine::RepositoryDamage::object, store::file_table_name("main", label)),
                                Field(&backup_engine::RepositoryDamage::text, HasSubstr("16388")))));
  EXPECT_FALSE(result.backups.at(0).restorable);
  manifest.dropped_tablespaces = {16388};
  EXPECT_THAT(verify_with(manifest).damage, IsEmpty());
}

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

TEST_F(Verify, WithoutUnpackingReadsAsMuchAndSaysWhatItDidNotLookAt) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  base::NoProgress progress;
  const auto result = backup_engine::verify_repository({location_, {}, {}, 2, false}, progress);
  EXPECT_THAT(result.damage, IsEmpty());
  EXPECT_TRUE(result.backups.at(0).restorable);
  EXPECT_EQ(result.objects, verify().objects);
  EXPECT_EQ(result.bytes, verify().bytes);
  EXPECT_EQ(result.blocks, 0U);
  EXPECT_THAT(result.not_looked_at, ElementsAre(HasSubstr("what is in the packs")));
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

TEST_F(Verify, CallsNothingRestorableThatNoRestoreCouldOpen) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  for (const auto& name : {store::repository_document(), store::cluster_document("main")}) {
    const auto bytes = storage_->read(name);
    remove(name);
    storage_->put(name, std::string_view("{}"), store::Durability::now);
    const auto result = verify();
    EXPECT_THAT(result.damage, ElementsAre(Field(&backup_engine::RepositoryDamage::object, name)));
    ASSERT_EQ(result.backups.size(), 1U);
    EXPECT_FALSE(result.backups[0].restorable);
    EXPECT_THAT(result.backups[0].reason, HasSubstr(name));
    EXPECT_THAT(result.backups[0].spans, IsEmpty());
    remove(name);
    storage_->put(name, bytes, store::Durability::now);
  }
  EXPECT_TRUE(verify().backups.at(0).restorable);
}

TEST_F(Verify, SaysNothingOfARepositoryOfANewerFormat) {
  const auto newer = tests::in_newer_format(storage_->read_text(store::repository_document()));
  remove(store::repository_document());
  storage_->put(store::repository_document(), newer, store::Durability::now);
  EXPECT_EQ(tests::kind_of_failure([&] { static_cast<void>(verify()); }), base::ErrorKind::unsupported);
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

TEST_F(Verify, CountsWhatAFirstPushLeftOfAClusterThatNeverCameToBeAsDebris) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  const std::string left = "clusters/crm/.put-00112233445566778899aabbccddeeff.tmp";
  const auto path = fs::path(location_.text) / left;
  fs::create_directories(path.parent_path());
  base::write_file_atomically(path, "{");
  EXPECT_THAT(verify().damage, IsEmpty());
  EXPECT_THAT(verify().debris, ElementsAre(left));
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
  EXPECT_EQ(result.damage.size(), 3U) << "the manifest, and two segments of WAL by their first pages";
  for (const auto& damage : result.damage) EXPECT_THAT(damage.text, HasSubstr("7300000000000000002")) << damage.object;
}

TEST_F(Verify, ReadsWhatTheBackupsOfAChainShareOnce) {
  const auto full = tests::put_backup(*storage_, "main", tests::some_files(4096));
  const auto incremental = tests::put_unchanged_incremental(*storage_, "main", full);
  tests::put_wal(*storage_, "main");
  EXPECT_EQ(tests::read_backup(*storage_, "main", incremental), tests::some_files(4096));
  const auto result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  EXPECT_THAT(result.debris, IsEmpty());
  EXPECT_EQ(result.objects, storage_->list("").size());
  EXPECT_EQ(result.blocks, 11U);
  ASSERT_EQ(result.backups.size(), 2U);
  EXPECT_TRUE(result.backups[0].restorable && result.backups[1].restorable);
}

TEST_F(Verify, CallsEveryBackupOfAChainNotRestorableThatNeedsWhatIsDamaged) {
  const auto full = tests::put_backup(*storage_, "main", tests::some_files(4096));
  const auto incremental = tests::put_unchanged_incremental(*storage_, "main", full);
  tests::put_wal(*storage_, "main");
  for (const auto& name : {store::pack_name("main", full, 0), store::block_index_name("main", full),
                           store::block_hashes_name("main", full)}) {
    const auto bytes = storage_->read(name);
    remove(name);
    for (const auto& label : {std::optional<std::string>(), std::optional(incremental)}) {
      const auto result = verify("main", label);
      EXPECT_THAT(result.damage, ElementsAre(Field(&backup_engine::RepositoryDamage::object, name)));
      for (const auto& backup : result.backups) {
        EXPECT_FALSE(backup.restorable) << backup.label;
        EXPECT_THAT(backup.reason, HasSubstr(name));
      }
    }
    storage_->put(name, bytes, store::Durability::now);
  }
  EXPECT_THAT(verify().damage, IsEmpty());
}

TEST_F(Verify, ChecksTheIndexOfAnExpiredFullThatAnIncrementalStillUses) {
  const auto full = tests::put_backup(*storage_, "main", tests::some_files(4096));
  const auto incremental = tests::put_unchanged_incremental(*storage_, "main", full);
  tests::put_wal(*storage_, "main");
  remove(store::manifest_name("main", full));
  for (const auto& name : {store::file_table_name("main", full), store::block_root_name("main", full)}) remove(name);
  auto result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  EXPECT_THAT(result.debris, IsEmpty());
  for (const auto& name : {store::block_index_name("main", full), store::block_hashes_name("main", full)}) {
    const auto bytes = storage_->read(name);
    auto flipped = bytes;
    flipped[200] ^= std::byte{4};
    remove(name);
    storage_->put(name, flipped, store::Durability::now);
    result = verify();
    EXPECT_THAT(result.damage, ElementsAre(Field(&backup_engine::RepositoryDamage::object, name)));
    ASSERT_EQ(result.backups.size(), 1U);
    EXPECT_FALSE(result.backups[0].restorable);
    remove(name);
    storage_->put(name, bytes, store::Durability::now);
  }
}

TEST_F(Verify, SaysWhichPointsCanBeReached) {
  const auto label = tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  auto result = verify();
  ASSERT_EQ(result.backups.size(), 1U);
  ASSERT_EQ(result.backups[0].spans.size(), 1U);
  const auto& own = result.backups[0].spans[0];
  EXPECT_EQ(own.timeline.number(), 1U);
  EXPECT_EQ(to_string(own.earliest), "0/1180000");
  EXPECT_EQ(to_string(own.latest), "0/1180000");
  EXPECT_FALSE(own.latest_time) << "its one commit lies before the backup's stop";

  // More WAL, two commits in it, and a timeline that branches off between them.
  auto wal = tests::some_wal();
  const auto one_o_clock = base::parse_rfc3339("2026-11-20T13:00:00Z").value();
  wal.commit(701, one_o_clock);
  wal.filler(400);
  const auto branched_at = wal.end();
  auto branch = wal.branch(postgres::TimelineId(2));
  wal.commit(702, one_o_clock + std::chrono::hours(1));
  branch.commit(703, one_o_clock + std::chrono::hours(2));
  const auto end = wal.end().position_bytes(), branch_end = branch.end().position_bytes();
  tests::put_wal_part(*storage_, "main", tests::signed_wal(wal), tests::wal_stop, end);
  tests::put_wal_part(*storage_, "main", tests::signed_wal(branch), 0x1100000, branch_end, postgres::TimelineId(2));
  backup_engine::wal::WalArchive archive(*storage_, "main", tests::some_cluster().wal_segment_size, {});
  archive.put_history(postgres::TimelineId(2), "1\t" + to_string(branched_at) + "\tno recovery target specified\n");
  result = verify();
  EXPECT_THAT(result.damage, IsEmpty());
  const auto& spans = result.backups[0].spans;
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].latest.position_bytes(), end);
  EXPECT_EQ(spans[0].latest_time, one_o_clock + std::chrono::hours(1));
  EXPECT_EQ(spans[1].timeline.number(), 2U);
  EXPECT_EQ(spans[1].latest.position_bytes(), branch_end);
  EXPECT_EQ(spans[1].latest_time, one_o_clock + std::chrono::hours(2));
  EXPECT_EQ(spans[1].earliest_time, store::read_manifest(*storage_, "main", label).summary.finished_at);

  remove(store::wal_history_name("main", postgres::TimelineId(2)));
  result = verify();
  EXPECT_THAT(result.damage, ElementsAre(Field(&backup_engine::RepositoryDamage::object,
                                               store::wal_history_name("main", postgres::TimelineId(2)))));
  EXPECT_EQ(result.backups[0].spans.size(), 1U) << "nobody can find the way there";
  EXPECT_TRUE(result.backups[0].restorable);
}

// The digest stays as it is while WAL comes and goes: how far it reaches is what tells that WAL was put back.
TEST_F(Verify, SaysHowFarTheWalOfEachTimelineReaches) {
  tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  auto wal = tests::some_wal();
  auto branch = wal.branch(postgres::TimelineId(2));
  wal.filler(400);
  branch.filler(700);
  const auto end = wal.end().position_bytes(), branch_end = branch.end().position_bytes();
  tests::put_wal_part(*storage_, "main", tests::signed_wal(wal), tests::wal_stop, end);
  tests::put_wal_part(*storage_, "main", tests::signed_wal(branch), 0x1100000, branch_end, postgres::TimelineId(2));
  backup_engine::wal::WalArchive archive(*storage_, "main", tests::some_cluster().wal_segment_size, {});
  archive.put_history(postgres::TimelineId(2), "1\t0/1180000\tno recovery target specified\n");
  const auto ends = [](const backup_engine::VerifyResult& result) {
    std::vector<std::string> lines;
    for (const auto& each : result.wal_ends) {
      lines.push_back(each.cluster + " " + std::to_string(each.timeline.number()) + " " + to_string(each.end));
    }
    return lines;
  };
  const auto before = verify();
  EXPECT_THAT(ends(before), testing::ElementsAre("main 1 " + to_string(postgres::Lsn(end)),
                                                 "main 2 " + to_string(postgres::Lsn(branch_end))));
  for (const auto& object : storage_->list("clusters/main/wal/00000001/")) {
    const auto parsed = store::parse_wal_object("main", object.name, tests::some_cluster().wal_segment_size);
    if (parsed && parsed->from_bytes == 0x80000) remove(object.name);
  }
  const auto after = verify();
  EXPECT_EQ(after.state_digest, before.state_digest);
  EXPECT_THAT(after.damage, IsEmpty());
  EXPECT_EQ(ends(after).at(0), "main 1 0/1180000");
}

TEST_F(Verify, SaysWhatItWasNotAskedToLookAt) {
  const auto first = tests::put_backup(*storage_, "main", tests::some_files(4096));
  const auto second = tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  store::open_or_create_cluster(*storage_, "crm", tests::some_cluster());
  EXPECT_THAT(verify().not_looked_at, IsEmpty());
  EXPECT_THAT(verify("main").not_looked_at, ElementsAre(HasSubstr("crm")));
  EXPECT_THAT(verify("main", second).not_looked_at,
              ElementsAre(HasSubstr("crm"), HasSubstr(first), AllOf(HasSubstr("WAL"), HasSubstr(second))));
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
