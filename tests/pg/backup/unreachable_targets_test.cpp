// Targets that leave a choice or that cannot be reached: what is said before anything is written, and that PostgreSQL
// itself would have failed.
#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "tests/pg/backup/targeted_cluster.hpp"

namespace backup_engine {
namespace {

namespace fs = std::filesystem;
using base::Error;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class UnreachableTargets : public TargetedCluster {
 protected:
  // How PostgreSQL itself ends with this target in a directory restored without one.
  std::string postgres_log_with(const std::string& settings) {
    base::NoProgress progress;
    let_server_user_read_repository();
    static_cast<void>(restore_backup(restore_request(), progress));
    std::ofstream(restored() / "postgresql.auto.conf", std::ios::app) << settings << "\n";
    try {
      auto server = started(restored_options());
      wait_until_promoted(server);
      ADD_FAILURE() << "PostgreSQL recovered";
    } catch (const Error& error) {
      return describe(error) + base::read_file(restored_options().log_file);
    }
    return "";
  }
};

// Engine facts: PostgreSQL replays everything and then dies.
TEST_F(UnreachableTargets, ATimeAfterTheLastCommitOfAnIdleDatabase) {
  start();
  static_cast<void>(back_up());
  insert(1);
  restore_point("later than the last commit");
  lose_source();
  const RecoveryTarget later{.kind = TargetKind::time, .value = "2100-01-01 00:00:00Z", .timeline = ""};
  EXPECT_THAT(refusal(later),
              AllOf(HasSubstr("the latest is transaction " + rows_.at(1).xid + " at " + rows_.at(1).record),
                    HasSubstr("Without a target")));
  EXPECT_THAT(refusal({.kind = TargetKind::time, .value = rows_.at(1).time, .timeline = ""}), HasSubstr("latest"));
  EXPECT_EQ(rows_at({.kind = TargetKind::time, .value = rows_.at(1).time, .inclusive = false, .timeline = ""}), "");
  EXPECT_THAT(postgres_log_with("recovery_target_time = '2100-01-01 00:00:00+00'"),
              HasSubstr("recovery ended before configured recovery target was reached"));
}

// Engine facts: a target before consistency is FATAL in PostgreSQL.
TEST_F(UnreachableTargets, AnythingBeforeTheFirstBackupsEnd) {
  start();
  insert(1);
  const auto before = rows_.at(1);
  restore_point("too early");
  const auto backup = back_up().summary;
  insert(2);
  lose_source();
  for (const auto& text :
       {refusal({.kind = TargetKind::time, .value = before.time, .inclusive = false, .timeline = ""}),
        refusal({.kind = TargetKind::lsn, .value = before.record, .timeline = ""}),
        refusal({.kind = TargetKind::xid, .value = before.xid, .timeline = ""}),
        refusal({.kind = TargetKind::name, .value = "too early", .timeline = ""})}) {
    EXPECT_THAT(text, AllOf(HasSubstr(backup.label), HasSubstr(to_string(backup.stop_lsn)),
                            HasSubstr("transaction " + rows_.at(2).xid)));
  }
  EXPECT_THAT(postgres_log_with("recovery_target_lsn = '" + before.record + "'"),
              HasSubstr("requested recovery stop point is before consistent recovery point"));
}

TEST_F(UnreachableTargets, WhatHadNotEndedWhenTheServerWasLost) {
  start({{"max_prepared_transactions", "5"}});
  static_cast<void>(back_up());
  auto open = source_->connect(), prepared = source_->connect();
  open.execute("BEGIN");
  insert_in(open, 1);
  prepared.execute("BEGIN");
  insert_in(prepared, 2);
  prepared.execute("PREPARE TRANSACTION 'p'");
  insert(3);
  lose_source();
  const auto xid = [this](int row) {
    return RecoveryTarget{.kind = TargetKind::xid, .value = rows_.at(row).xid, .timeline = ""};
  };
  EXPECT_THAT(refusal(xid(1)), HasSubstr("had not ended yet"));
  EXPECT_THAT(refusal(xid(2)), HasSubstr("prepared, and neither committed nor rolled back"));
  EXPECT_THAT(refusal({.kind = TargetKind::xid, .value = "4000000", .timeline = ""}),
              HasSubstr("no transaction of this id"));
  EXPECT_THAT(refusal({.kind = TargetKind::name, .value = "nowhere", .timeline = ""}), HasSubstr("no restore point"));
  EXPECT_THAT(refusal({.kind = TargetKind::lsn, .value = "FF/0", .timeline = ""}),
              HasSubstr("the last record in the WAL held ends at "));
}

TEST_F(UnreachableTargets, ANameThatOccursTwiceIsTakenFromTheNewestBackup) {
  start();
  const auto older = back_up().summary.label;
  insert(1);
  const auto first = restore_point("daily");
  insert(2);
  const auto newer = back_up().summary.label;
  insert(3);
  const auto second = restore_point("daily");
  insert(4);
  const auto third = restore_point("daily");
  insert(5);
  lose_source();
  const RecoveryTarget daily{.kind = TargetKind::name, .value = "daily", .timeline = ""};
  EXPECT_EQ(rows_at(daily), "1,2,3");
  EXPECT_EQ(last_.backup_label, newer);
  EXPECT_THAT(last_.notes, ElementsAre(HasSubstr("after restore point \"daily\" at " + second),
                                       AllOf(HasSubstr("earlier: " + first), HasSubstr("later: " + third))));
  EXPECT_EQ(rows_at(daily, older), "1");
  EXPECT_EQ(rows_at({.kind = TargetKind::lsn, .value = third, .timeline = ""}), "1,2,3,4");
  EXPECT_EQ(rows_at({.kind = TargetKind::lsn, .value = first, .timeline = ""}), "1");
  EXPECT_EQ(last_.backup_label, older);
}

// After a restore was promoted its own timeline goes on in the same repository; the lost server's is its parent.
TEST_F(UnreachableTargets, OnAnotherTimelineAreReachedWithItsNumber) {
  start();
  static_cast<void>(back_up());
  for (int i = 1; i <= 3; ++i) insert(i);
  restore_point("given up");
  lose_source();
  const auto xid = [this](int row, const std::string& timeline) {
    return RecoveryTarget{.kind = TargetKind::xid, .value = rows_.at(row).xid, .timeline = timeline};
  };
  auto request = restore_request();
  request.target = xid(2, "");
  restore(request);
  go_on_with_restored();
  insert(4);
  insert(5);
  lose_source();
  fs::rename(restored(), directory_.path() / "second");
  EXPECT_EQ(rows_at(xid(4, "")), "1,2,4");
  EXPECT_EQ(rows_at(xid(1, "latest")), "1") << "before the branching";
  EXPECT_EQ(rows_at(xid(3, "1")), "1,2,3") << "only on the old timeline";
  const RecoveryTarget given_up{.kind = TargetKind::name, .value = "given up", .timeline = "2"};
  EXPECT_THAT(refusal(given_up), HasSubstr("no restore point of this name"));
  EXPECT_THAT(refusal(xid(3, "9")), HasSubstr("no history of timeline 9"));
}

}  // namespace
}  // namespace backup_engine
