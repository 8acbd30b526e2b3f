// What verify and wal check say of WAL, beside those who write and remove it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/store/manifest.hpp"
#include "backup_engine/verify/findings.hpp"
#include "backup_engine/verify/reach_check.hpp"
#include "backup_engine/wal/gather_facts.hpp"
#include "tests/unit/backup_engine/verify/verified_repository.hpp"
#include "tests/unit/backup_engine/wal/shared_storage.hpp"

namespace base = backup_engine::base;
namespace store = backup_engine::store;
namespace postgres = backup_engine::postgres;
namespace wal = backup_engine::wal;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace {

class WalLookedAtMeanwhile : public tests::VerifiedRepository {
 protected:
  [[nodiscard]] backup_engine::WalCheckResult check_wal() {
    const wal::WalArchive archive(shared_, "main", size_, {});
    backup_engine::WalCheckResult result;
    wal::describe_reach(wal::gather_facts(shared_, "main", archive), result);
    return result;
  }
  static std::vector<std::string> problems(const backup_engine::WalCheckResult& result) {
    std::vector<std::string> texts;
    for (const auto& finding : result.findings) {
      if (finding.severity == backup_engine::WalSeverity::problem) texts.push_back(finding.text);
    }
    return texts;
  }
  void promote() {
    wal::WalArchive archive(*storage_, "main", size_, {});
    archive.put_history(postgres::TimelineId(2), "1\t0/1180000\tno recovery target specified\n");
    tests::put_wal_part(*storage_, "main", tests::Bytes(0x200000), 0x1100000, 0x1190000, postgres::TimelineId(2));
  }

  const postgres::SegmentSize size_ = tests::some_cluster().wal_segment_size;
  wal::SharedStorage shared_{*storage_};
};

// Its own WAL is held before a backup is published.
TEST_F(WalLookedAtMeanwhile, MissesNothingOfABackupThatEndsJustThen) {
  shared_.before_list(
      [&] {
        tests::put_wal(*storage_, "main");
        tests::put_backup(*storage_, "main", tests::some_files(4096));
      },
      store::backups_prefix("main"));
  const auto result = check_wal();
  EXPECT_THAT(problems(result), IsEmpty());
  EXPECT_THAT(result.backups, SizeIs(1));
}

TEST_F(WalLookedAtMeanwhile, MissesNothingOfABackupThatExpiresJustThen) {
  const auto going = tests::put_backup(*storage_, "main", tests::some_files(4096));
  auto staying = store::read_manifest(*storage_, "main", tests::put_backup(*storage_, "main", {}));
  tests::put_wal(*storage_, "main");
  staying.summary.start_lsn = postgres::Lsn(0x1100000);
  remove(store::manifest_name("main", staying.summary.label));
  storage_->put(store::manifest_name("main", staying.summary.label), store::encode_manifest(staying),
                store::Durability::now);
  shared_.before_list(
      [&] {
        remove(store::manifest_name("main", going));
        remove(store::wal_segment_name("main", {postgres::TimelineId(1), 16}, size_, backup_engine::Codec::lz4));
      },
      store::wal_prefix("main"));
  const auto result = check_wal();
  EXPECT_THAT(problems(result), IsEmpty());
  EXPECT_THAT(result.backups, SizeIs(1));
}

TEST_F(WalLookedAtMeanwhile, FollowsAPromotionJustThen) {
  const auto label = tests::put_backup(*storage_, "main", tests::some_files(4096));
  tests::put_wal(*storage_, "main");
  base::NoProgress progress;
  backup_engine::verify::Findings findings(progress, {});
  const postgres::TimelineId one(1);
  backup_engine::verify::ReachCheck reach(
      shared_, "main", size_, {{one, postgres::Lsn(tests::wal_start), postgres::Lsn(tests::wal_stop)}}, findings);
  reach.read_timelines();
  shared_.before_list([&] { promote(); });
  reach.check_newest({store::read_manifest(*storage_, "main", label).summary});
  EXPECT_THAT(findings.take().damage, IsEmpty());
}

}  // namespace
