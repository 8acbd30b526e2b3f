#include "backup_engine/backup/parent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/failure.hpp"
#include "tests/unit/backup_engine/store/small_repository.hpp"

namespace backup_engine::backup {
namespace {

using ::testing::HasSubstr;

class Parent : public ::testing::Test {
 protected:
  Parent() {
    init_repository({(directory_.path() / "repository").string()});
    storage_ = store::open_repository({(directory_.path() / "repository").string()});
    store::open_or_create_cluster(*storage_, "main", tests::some_cluster());
  }
  void publish(const std::string& label, std::uint64_t stop_lsn, std::uint32_t timeline = 1) {
    store::BackupWriter writer(*storage_, "main", label, tests::small_layout());
    auto manifest = writer.finish();
    tests::describe(manifest);
    manifest.summary.stop_lsn = postgres::Lsn(stop_lsn);
    manifest.summary.timeline = postgres::TimelineId(timeline);
    writer.publish(manifest);
  }
  [[nodiscard]] std::string parent(BackupType type) {
    return open_parent(*storage_, "main", type)->manifest().summary.label;
  }

  base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-parent"};
  std::unique_ptr<store::Storage> storage_;
};

TEST_F(Parent, IsTheNewestByTheWalWhateverTheClocksSaid) {
  publish("20360101T000000Z-full", 0x2000000);
  publish("20261120T041500Z-full", 0x3000000);
  publish("20261120T011500Z-incr", 0x4000000);  // the clock had stepped back
  EXPECT_EQ(parent(BackupType::incremental), "20261120T011500Z-incr");
  EXPECT_EQ(parent(BackupType::differential), "20261120T041500Z-full");
  publish("20261120T001500Z-full", 0x2800000, 2);  // behind a switch that went back in the WAL
  EXPECT_EQ(parent(BackupType::incremental), "20261120T001500Z-full");
}

TEST_F(Parent, ThatCannotBeReadIsNotPassedOverWhenItsLabelIsTheNewest) {
  publish("20261120T021500Z-full", 0x2000000);
  storage_->put(store::manifest_name("main", "20261120T011500Z-full"), std::string_view("{}"), store::Durability::now);
  EXPECT_EQ(parent(BackupType::differential), "20261120T021500Z-full");
  storage_->put(store::manifest_name("main", "20261120T031500Z-incr"), std::string_view("{}"), store::Durability::now);
  EXPECT_EQ(parent(BackupType::differential), "20261120T021500Z-full");
  try {
    EXPECT_EQ(parent(BackupType::incremental), "nothing");
    FAIL() << "built on another";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
    EXPECT_THAT(error.what(), HasSubstr("would build on 20261120T031500Z-incr"));
    EXPECT_THAT(error.remedy(), HasSubstr("--type full"));
  }
}

TEST_F(Parent, IsMissedByNameWhenThereIsNone) {
  EXPECT_EQ(tests::kind_of_failure([&] { static_cast<void>(parent(BackupType::incremental)); }),
            base::ErrorKind::not_found);
}

}  // namespace
}  // namespace backup_engine::backup
