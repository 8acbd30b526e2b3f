// Each kind of recovery target brings back exactly the rows that it asks for, on a real server. What a row's
// transaction was, when it committed and where its record lies is told by PostgreSQL itself (pg_walinspect).
#include <gtest/gtest.h>

#include "tests/pg/backup/targeted_cluster.hpp"

namespace backup_engine {
namespace {

class RecoveryTargets : public TargetedCluster {};

TEST_F(RecoveryTargets, StopAtATimeATransactionOrAPosition) {
  start();
  static_cast<void>(back_up());
  for (int i = 1; i <= 4; ++i) insert(i);
  lose_source();
  const auto& third = rows_.at(3);
  EXPECT_EQ(rows_at({.kind = TargetKind::time, .value = third.time, .timeline = ""}), "1,2,3");
  EXPECT_EQ(rows_at({.kind = TargetKind::time, .value = third.time, .inclusive = false, .timeline = ""}), "1,2");
  EXPECT_EQ(rows_at({.kind = TargetKind::xid, .value = third.xid, .timeline = ""}), "1,2,3");
  EXPECT_EQ(rows_at({.kind = TargetKind::xid, .value = third.xid, .inclusive = false, .timeline = ""}), "1,2");
  EXPECT_EQ(rows_at({.kind = TargetKind::lsn, .value = third.record, .timeline = ""}), "1,2,3");
  EXPECT_EQ(rows_at({.kind = TargetKind::lsn, .value = third.record, .inclusive = false, .timeline = ""}), "1,2");
}

TEST_F(RecoveryTargets, StopAtARestorePointTheConsistentPointOrTheEnd) {
  start();
  insert(1);
  static_cast<void>(back_up());
  insert(2);
  restore_point("here");
  insert(3);
  lose_source();
  EXPECT_EQ(rows_at({.kind = TargetKind::name, .value = "here", .timeline = ""}), "1,2");
  EXPECT_EQ(rows_at({.kind = TargetKind::immediate, .value = "", .timeline = ""}), "1");
  EXPECT_EQ(rows_at({}), "1,2,3");
}

// Transactions end in another order than they began; what ended before the target is there, whatever its id.
TEST_F(RecoveryTargets, TakeTheOrderOfCommitsNotOfTransactionIds) {
  start();
  static_cast<void>(back_up());
  auto early = source_->connect();
  early.execute("BEGIN");
  insert_in(early, 1);
  insert(2);
  insert(3);
  commit(early, 1);
  insert(4);
  lose_source();
  EXPECT_EQ(rows_at({.kind = TargetKind::xid, .value = rows_.at(1).xid, .timeline = ""}), "1,2,3");
  EXPECT_EQ(rows_at({.kind = TargetKind::xid, .value = rows_.at(2).xid, .timeline = ""}), "2");
}

}  // namespace
}  // namespace backup_engine
