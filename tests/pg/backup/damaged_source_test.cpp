// A page that is damaged on the source's disk: the backup that read it is never restored without a word, and the one
// from before gives the table back whole.
#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/verify.hpp"
#include "tests/pg/backup/backed_up_cluster.hpp"

namespace backup_engine {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DamagedSource : public BackedUpCluster {
 protected:
  // A backup before the damage and one behind it, and rows that came after each.
  void SetUp() override {
    start_source();
    receive_wal();
    run("CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 5000) i");
    run("CREATE TABLE later (i int)");
    run("VACUUM t");  // no reader changes its pages any more
    run("CHECKPOINT");
    sound_ = back_up().summary.label;
    run("INSERT INTO later SELECT generate_series(1, 10)");
    page_ = {ask("SELECT pg_relation_filepath('t')"), 3};
    break_page();
    const auto taken = back_up();
    EXPECT_THAT(taken.damaged_pages, ElementsAre(page_));
    damaged_ = taken.summary.label;
    run("INSERT INTO later SELECT generate_series(11, 30)");
    wait_for_all_wal();
    lose_source();
  }

  // The server has it in memory as it was, and goes on.
  void break_page() const {
    std::fstream file(data() / page_.file, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(page_.block * 8192 + 5000);
    file.put('\x7F').put('\x01');
  }
  std::string name_of_page() const { return page_.file + " block " + std::to_string(page_.block); }

  std::string sound_, damaged_;
  DamagedPage page_;
};

TEST_F(DamagedSource, IsRestoredFromBeforeItsDamageToTheSamePoint) {
  const auto result = restore(restore_request());
  EXPECT_EQ(result.backup_label, sound_);
  EXPECT_THAT(result.passed_over, ElementsAre(damaged_));
  EXPECT_THAT(result.notes, Contains(AllOf(HasSubstr(damaged_ + " was passed over"), HasSubstr(name_of_page()),
                                           HasSubstr("--backup " + damaged_))));
  auto server = start_restored();
  wait_until_promoted(server);
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM t").single(), "5000");
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM later").single(), "30") << "also what came after the damage";
}

TEST_F(DamagedSource, IsNamedWhereTheBackupFromBeforeIsDamagedInTheRepository) {
  const auto packs = repository() / "clusters/main/backups" / sound_ / "packs";
  for (const auto& pack : std::filesystem::directory_iterator(packs)) {
    std::fstream file(pack.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(30000);
    file << "damaged here";
  }
  try {
    ADD_FAILURE() << restore(restore_request()).backup_label;
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::corrupt) << describe(error);
    EXPECT_THAT(error.what(), AllOf(HasSubstr(".pack"), HasSubstr(sound_), HasSubstr("--backup " + damaged_)));
  }
}

TEST_F(DamagedSource, ComesBackDamagedWhereThatBackupIsAskedForAndEveryVerbSaysSo) {
  base::NoProgress progress;
  const auto verified = verify_repository({{repository().string()}, {}, {}, 2}, progress);
  EXPECT_THAT(verified.damage, IsEmpty()) << "the repository holds what it was given";
  ASSERT_EQ(verified.backups.size(), 2U);
  EXPECT_THAT(verified.backups[0].damaged_pages, IsEmpty());
  EXPECT_THAT(verified.backups[1].damaged_pages, ElementsAre(page_));
  EXPECT_TRUE(verified.backups[1].restorable);

  auto request = restore_request();
  request.backup_label = damaged_;
  const auto result = restore(request);
  EXPECT_THAT(result.passed_over, IsEmpty());
  EXPECT_THAT(result.notes, Contains(AllOf(HasSubstr("1 damaged page"), HasSubstr(name_of_page()),
                                           HasSubstr("Without --backup"), HasSubstr("REINDEX"))));
  auto server = start_restored();
  wait_until_promoted(server);
  try {
    ADD_FAILURE() << server.connect().query("SELECT count(*) FROM t").single();
  } catch (const base::Error& error) {
    EXPECT_THAT(describe(error), HasSubstr("invalid page in block 3"));
  }
  EXPECT_EQ(server.connect().query("SELECT count(*) FROM later").single(), "30");
}

}  // namespace
}  // namespace backup_engine
