#include "harness/measure/transaction_exactness.hpp"

#include <gtest/gtest.h>

namespace harness::measure {
namespace {

using backup_engine::postgres::Lsn;
using reports::record::CommitOrderEvidence;

CommitOrderEvidence three_commits_and_a_rollback() {
  CommitOrderEvidence order;
  order.witness = "engine";
  order.records = {{"0/100", "0/140", 701, {}, "", 1, true},
                   {"0/140", "0/180", 702, {}, "", 1, false},
                   {"0/180", "0/1C0", 703, {}, "", 1, true},
                   {"0/200", "0/240", 704, {}, "", 1, true}};
  order.reached_lsn = "0/200";
  order.recovered_statuses = {{701, "committed"}, {702, "aborted"}, {703, "committed"}};
  order.paused_statuses = {{701, "committed"}, {702, "aborted"}, {703, "committed"}, {704, ""}};
  return order;
}

const StopPosition before_the_last{StopPosition::Kind::position, Lsn(0x200), {}};
const StopPosition the_end{StopPosition::Kind::end_of_wal, {}, {}};

TEST(TransactionExactness, IsMetWhenBothServersSayWhatTheWalDoes) {
  const auto exact = measure_transaction_exactness(three_commits_and_a_rollback(), before_the_last);
  EXPECT_EQ(exact.expected, 2U);
  EXPECT_EQ(exact.missing, 0U);
  EXPECT_EQ(exact.extra, 0U);
  EXPECT_EQ(exact.met, true);
  EXPECT_EQ(exact.witness, "engine");
}

TEST(TransactionExactness, CountsACommitThatEitherServerDoesNotKnowAsMissing) {
  auto order = three_commits_and_a_rollback();
  order.recovered_statuses[2].status = "in progress";
  EXPECT_EQ(measure_transaction_exactness(order, before_the_last).missing, 1U);
  order = three_commits_and_a_rollback();
  order.paused_statuses[0].status = "aborted";
  EXPECT_EQ(measure_transaction_exactness(order, before_the_last).met, false);
}

TEST(TransactionExactness, CountsWhatIsCommittedBehindTheTargetOrWasRolledBackAsExtra) {
  auto order = three_commits_and_a_rollback();
  order.paused_statuses[3].status = "committed";
  order.paused_statuses[1].status = "committed";
  const auto exact = measure_transaction_exactness(order, before_the_last);
  EXPECT_EQ(exact.extra, 2U);
  EXPECT_EQ(exact.met, false);
}

TEST(TransactionExactness, DoesNotAskAPromotedServerAboutWhatLiesBehindTheTarget) {
  auto order = three_commits_and_a_rollback();
  order.recovered_statuses.push_back({704, "committed"});  // its own transaction of that number
  EXPECT_EQ(measure_transaction_exactness(order, before_the_last).met, true);
}

TEST(TransactionExactness, IsNotKnownWithoutAnAnswer) {
  auto order = three_commits_and_a_rollback();
  order.recovered_statuses.clear();
  EXPECT_FALSE(measure_transaction_exactness(order, before_the_last).met.has_value());
  order = three_commits_and_a_rollback();
  order.recovered_statuses[0].status = "";
  EXPECT_FALSE(measure_transaction_exactness(order, before_the_last).met.has_value());
}

TEST(TransactionExactness, IsNotKnownWhereNoPausedCopySaysWhatLiesBehindTheTarget) {
  auto order = three_commits_and_a_rollback();
  order.paused_statuses.clear();
  EXPECT_FALSE(measure_transaction_exactness(order, before_the_last).met.has_value());
  EXPECT_EQ(measure_transaction_exactness(order, before_the_last, PausedCopy::none).met, true);
  order.records.pop_back();
  EXPECT_EQ(measure_transaction_exactness(order, before_the_last).met, true) << "nothing is known to lie behind it";
  order.recovered_statuses[0].status = "aborted";
  EXPECT_EQ(measure_transaction_exactness(order, before_the_last).met, false);
}

// As where another history of the server was joined: pg_waldump ends there, as recovery does, and reads no commit.
TEST(TransactionExactness, IsNotMetWhereWalThatWasHeldGoesOnBehindTheEnd) {
  auto order = three_commits_and_a_rollback();
  order.records.pop_back();
  order.paused_statuses.clear();
  order.acknowledged_lsn = "0/4000";
  EXPECT_EQ(measure_transaction_exactness(order, the_end).met, true);
  order.left_out = {"0/2028", "0/2060"};
  EXPECT_EQ(measure_transaction_exactness(order, the_end).met, false);
  order.acknowledged_lsn = "0/2040";
  EXPECT_EQ(measure_transaction_exactness(order, the_end).met, true) << "it came while the drill went on";
}

TEST(TransactionExactness, IsNotMetWhereRecoveryEndedElsewhere) {
  auto order = three_commits_and_a_rollback();
  order.reached_lsn = "0/1F0";
  EXPECT_EQ(measure_transaction_exactness(order, before_the_last).met, false);
}

TEST(TransactionExactness, OfTheEndOfWalAsksForAllThatWasHeldAndLeavesOutWhatArrivedMeanwhile) {
  auto order = three_commits_and_a_rollback();
  order.paused_statuses.clear();
  order.acknowledged_lsn = "0/200";
  const auto exact = measure_transaction_exactness(order, the_end);
  EXPECT_EQ(exact.met, true) << "704 came when recovery had ended";
  EXPECT_EQ(exact.expected, 2U);
  order.acknowledged_lsn = "0/240";
  EXPECT_EQ(measure_transaction_exactness(order, the_end).missing, 1U);
}

TEST(TransactionExactness, OfAQuietClusterIsMetByWhereRecoveryEnded) {
  CommitOrderEvidence order;
  order.reached_lsn = "0/200";
  EXPECT_EQ(measure_transaction_exactness(order, before_the_last).met, true);
  EXPECT_EQ(measure_transaction_exactness(order, the_end).met, true);
}

}  // namespace
}  // namespace harness::measure
