// Prepared transactions, subtransactions, and backups on either side of a target: which rows come back, and from which
// backup, on a real server.
#include <gmock/gmock.h>

#include "tests/pg/backup/targeted_cluster.hpp"

namespace backup_engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class TransactionTargets : public TargetedCluster {};

TEST_F(TransactionTargets, StopAtThePreparedTransactionsOwnId) {
  start({{"max_prepared_transactions", "5"}});
  static_cast<void>(back_up());
  insert(1);
  auto session = source_->connect();
  session.execute("BEGIN");
  insert_in(session, 2);
  session.execute("PREPARE TRANSACTION 'p'");
  insert(3);
  run("COMMIT PREPARED 'p'");
  look_up(2);
  insert(4);
  lose_source();
  EXPECT_EQ(rows_at({.kind = TargetKind::xid, .value = rows_.at(2).xid, .timeline = ""}), "1,2,3");
  EXPECT_EQ(rows_at({.kind = TargetKind::time, .value = rows_.at(3).time, .timeline = ""}), "1,3")
      << "the prepared transaction's commit ends what came before";
}

// Engine facts: a subtransaction that committed has no record; one that was rolled back alone has.
TEST_F(TransactionTargets, KnowASubtransactionsId) {
  start();
  static_cast<void>(back_up());
  insert(1);
  auto session = source_->connect();
  session.execute("BEGIN");
  insert_in(session, 2);
  session.execute("SAVEPOINT a; INSERT INTO t VALUES (3)");
  const auto kept = session.query("SELECT xmin FROM t WHERE i = 3").single();
  session.execute("SAVEPOINT b; INSERT INTO t VALUES (99)");
  const auto rolled_back = session.query("SELECT xmin FROM t WHERE i = 99").single();
  session.execute("ROLLBACK TO b");
  commit(session, 2);
  insert(4);
  lose_source();
  EXPECT_THAT(refusal({.kind = TargetKind::xid, .value = kept, .timeline = ""}),
              AllOf(HasSubstr("subtransaction of transaction " + rows_.at(2).xid), HasSubstr("Give transaction")));
  EXPECT_EQ(rows_at({.kind = TargetKind::xid, .value = rolled_back, .timeline = ""}), "1");
  EXPECT_EQ(rows_at({.kind = TargetKind::xid, .value = rows_.at(2).xid, .timeline = ""}), "1,2,3");
}

TEST_F(TransactionTargets, TakeTheOlderOfTwoBackupsForWhatLiesBetween) {
  start();
  const auto older = back_up().summary.label;
  for (int i = 1; i <= 3; ++i) insert(i);
  restore_point("between");
  insert(4);
  const auto newer = back_up().summary.label;
  insert(5);
  insert(6);
  lose_source();
  EXPECT_EQ(rows_at({.kind = TargetKind::time, .value = rows_.at(2).time, .timeline = ""}), "1,2");
  EXPECT_EQ(last_.backup_label, older);
  EXPECT_EQ(rows_at({.kind = TargetKind::name, .value = "between", .timeline = ""}), "1,2,3");
  EXPECT_EQ(last_.backup_label, older);
  EXPECT_EQ(rows_at({.kind = TargetKind::xid, .value = rows_.at(5).xid, .timeline = ""}), "1,2,3,4,5");
  EXPECT_EQ(last_.backup_label, newer);
}

}  // namespace
}  // namespace backup_engine
