// Labels and the order of backups, whatever clocks do.
#include "backup_engine/store/backup_order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/intent.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace store = backup_engine::store;
namespace base = backup_engine::base;
namespace postgres = backup_engine::postgres;
using backup_engine::BackupType;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

namespace {

class BackupOrder : public ::testing::Test {
 protected:
  BackupOrder() {
    const backup_engine::RepositoryLocation location{(directory_.path() / "repository").string()};
    backup_engine::init_repository(location);
    storage_ = store::open_repository(location);
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
  }
  [[nodiscard]] std::string next(const std::string& time, BackupType type = BackupType::full) {
    return store::new_backup_label(*storage_, "main", type, *base::parse_rfc3339(time));
  }
  void publish(const std::string& label, std::uint64_t stop_lsn = 0x2000000, std::uint32_t timeline = 1) {
    store::Manifest manifest;
    tests::describe(manifest);
    manifest.summary.cluster = "main";
    manifest.summary.label = label;
    manifest.summary.stop_lsn = postgres::Lsn(stop_lsn);
    manifest.summary.timeline = postgres::TimelineId(timeline);
    manifest.block_size_bytes = 4096;
    store::put_document(*storage_, store::manifest_name("main", label), store::encode_manifest(manifest),
                        store::Durability::now);
  }
  void hold(const std::string& label) {
    store::put_intent(*storage_, "main",
                      store::make_intent(label, {}, postgres::TimelineId(1), postgres::Lsn(0x1000028)));
  }
  [[nodiscard]] std::vector<std::string> in_order() {
    std::vector<std::string> labels;
    for (const auto& backup : store::read_summaries(*storage_, "main").backups) labels.push_back(backup.label);
    return labels;
  }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-order"};
  std::unique_ptr<store::Storage> storage_;
};

}  // namespace

TEST_F(BackupOrder, LabelsABackupByTheSecondInWhichItBegan) {
  EXPECT_EQ(next("2026-11-20T02:15:00.987654Z", BackupType::incremental), "20261120T021500Z-incr");
  publish("20261120T021459Z-full");
  EXPECT_EQ(next("2026-11-20T02:15:00.000001Z", BackupType::incremental), "20261120T021500Z-incr");
}

TEST_F(BackupOrder, LabelsTheSecondBackupOfASecondAfterTheFirstWhateverTheirTypes) {
  publish(next("2026-11-20T02:15:00Z"));
  EXPECT_EQ(next("2026-11-20T02:15:00.9Z", BackupType::differential), "20261120T021501Z-diff");
  publish("20261120T021501Z-diff");
  EXPECT_EQ(next("2026-11-20T02:15:00.9Z"), "20261120T021502Z-full");
}

TEST_F(BackupOrder, LabelsABackupAfterTheOthersWhenTheClockStepsBack) {
  publish("20261120T021500Z-full");
  publish("20261120T031500Z-incr");
  EXPECT_EQ(next("2026-11-20T02:10:00Z", BackupType::incremental), "20261120T031501Z-incr");
  EXPECT_EQ(next("2026-11-19T03:15:00Z", BackupType::incremental), "20261120T031501Z-incr");
}

TEST_F(BackupOrder, CountsBackupsThatAreBeingTakenAndThoseThatFailed) {
  hold("20261120T021500Z-full");
  EXPECT_EQ(next("2026-11-20T02:15:00Z"), "20261120T021501Z-full");
  storage_->put(store::pack_name("main", "20261120T021501Z-incr", 0), std::string_view("debris"),
                store::Durability::now);
  EXPECT_EQ(next("2026-11-20T02:15:00Z"), "20261120T021502Z-full");
  std::filesystem::create_directories(directory_.path() / "repository" /
                                      store::backup_prefix("main", "20261120T021503Z-full"));
  EXPECT_EQ(next("2026-11-20T02:15:00Z"), "20261120T021504Z-full");
}

TEST_F(BackupOrder, DoesNotFollowALabelOfAClockThatWasYearsAhead) {
  publish("20261120T021500Z-full");
  publish("20360101T000000Z-full");
  EXPECT_EQ(next("2026-11-20T03:00:00Z"), "20261120T030000Z-full");
  EXPECT_EQ(next("2026-11-20T01:00:00Z"), "20261120T021501Z-full");
  EXPECT_EQ(next("2036-01-01T00:00:00Z"), "20360101T000001Z-full");  // when it is time
}

TEST_F(BackupOrder, DoesNotTakeALabelInUseAtTheEndOfTheDayThatItFollows) {
  publish("20261121T021500Z-full");  // exactly a day ahead
  publish("20261121T021501Z-full");  // beyond, but there
  EXPECT_EQ(next("2026-11-20T02:15:00Z"), "20261121T021502Z-full");
}

TEST_F(BackupOrder, LabelsBackupsOfARealClockInOrder) {
  std::vector<std::string> given;
  for (const auto type : {BackupType::full, BackupType::incremental, BackupType::differential, BackupType::full}) {
    given.push_back(store::new_backup_label(*storage_, "main", type, base::utc_now()));
    publish(given.back());
  }
  EXPECT_TRUE(std::is_sorted(given.begin(), given.end()));
  EXPECT_EQ(store::list_backup_labels(*storage_, "main"), given);
}

TEST_F(BackupOrder, IsThatOfTheWalNotOfLabels) {
  publish("20360101T000000Z-full", 0x2000000);
  publish("20261120T041500Z-incr", 0x4000000);
  publish("20261120T031500Z-incr", 0x3000000, 2);
  publish("20261120T021500Z-incr", 0x5000000);
  EXPECT_THAT(in_order(), ElementsAre("20360101T000000Z-full", "20261120T041500Z-incr", "20261120T021500Z-incr",
                                      "20261120T031500Z-incr"));
}

TEST_F(BackupOrder, OfTwoThatStoppedAtOnePointIsThatOfLabels) {
  publish("20261120T031500Z-full");
  publish("20261120T021500Z-full");
  EXPECT_THAT(in_order(), ElementsAre("20261120T021500Z-full", "20261120T031500Z-full"));
}

TEST_F(BackupOrder, TellsOfAManifestThatCannotBeReadAndOrdersTheOthers) {
  publish("20261120T021500Z-full");
  storage_->put(store::manifest_name("main", "20261120T031500Z-incr"), std::string_view("{}"), store::Durability::now);
  const auto read = store::read_summaries(*storage_, "main");
  ASSERT_THAT(read.backups, SizeIs(1));
  ASSERT_THAT(read.unreadable, SizeIs(1));
  EXPECT_EQ(read.unreadable[0].label, "20261120T031500Z-incr");
  EXPECT_EQ(read.unreadable[0].error.kind(), base::ErrorKind::corrupt);
}

TEST_F(BackupOrder, ListsTheRepositoryInItWithWhatIsBeingTaken) {
  publish("20360101T000000Z-full", 0x2000000);
  publish("20261120T041500Z-incr", 0x4000000);
  hold("20261120T051500Z-full");
  storage_->put(store::intent_name("main", "20261120T061500Z-full"), std::string_view("{}"), store::Durability::now);
  const auto clusters = backup_engine::list_repository({(directory_.path() / "repository").string()});
  ASSERT_THAT(clusters, SizeIs(1));
  ASSERT_THAT(clusters[0].backups, SizeIs(2));
  EXPECT_EQ(clusters[0].backups.back().label, "20261120T041500Z-incr");
  ASSERT_THAT(clusters[0].running, SizeIs(1));
  EXPECT_EQ(clusters[0].running[0].label, "20261120T051500Z-full");
  EXPECT_EQ(clusters[0].running[0].start_lsn, postgres::Lsn(0x1000028));
  EXPECT_THAT(clusters[0].unreadable, ElementsAre(HasSubstr("20261120T061500Z-full")));
}
