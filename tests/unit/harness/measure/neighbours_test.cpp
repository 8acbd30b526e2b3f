// The commits right before and right behind a recovery target, by where they lie in the WAL and not by their xids.
#include "harness/measure/neighbours.hpp"

#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"

namespace harness::measure {
namespace {

using backup_engine::postgres::Lsn;
using reports::record::CommitOrderEvidence;
using reports::record::LedgerOutcome;
using reports::record::LedgerTransaction;

const StopPosition before_704{StopPosition::Kind::position, Lsn(0x400), {}};

// 703 commits before 702; 705 was rolled back, 706 is nobody's of the load, 704 and 707 lie behind the target.
CommitOrderEvidence order() {
  CommitOrderEvidence order;
  order.records = {{"0/100", "0/140", 701, {}, "", 1, true},  {"0/200", "0/240", 703, {}, "", 1, true},
                   {"0/280", "0/2C0", 705, {}, "", 1, false}, {"0/300", "0/340", 702, {}, "", 1, true},
                   {"0/380", "0/3C0", 706, {}, "", 1, true},  {"0/400", "0/440", 704, {}, "", 1, true},
                   {"0/500", "0/540", 707, {}, "", 1, true}};
  return order;
}

std::vector<LedgerTransaction> ledger() {
  std::vector<LedgerTransaction> ledger;
  for (const std::uint64_t xid : {701U, 702U, 703U, 704U, 707U}) {
    ledger.push_back({static_cast<std::int64_t>(xid) - 700, 0, xid, "", 0, 0, LedgerOutcome::acknowledged});
  }
  return ledger;
}

TEST(Neighbours, AreTheLoadsTransactionsNextToTheTarget) {
  const auto load = ledger();
  const auto found = neighbours_of(order(), &load, before_704, Lsn(0x100));
  ASSERT_TRUE(found.last_before && found.first_behind);
  EXPECT_EQ(found.last_before->xid, 702U);
  EXPECT_EQ(found.last_before->lsn, "0/300");
  EXPECT_EQ(found.last_before->key, "2");
  EXPECT_EQ(found.first_behind->xid, 704U);
  EXPECT_EQ(found.first_behind->key, "4");
}

TEST(Neighbours, AreAnybodysWithoutALedger) {
  const auto found = neighbours_of(order(), nullptr, before_704, Lsn(0x100));
  ASSERT_TRUE(found.last_before && found.first_behind);
  EXPECT_EQ(found.last_before->xid, 706U);
  EXPECT_EQ(found.last_before->key, "");
  EXPECT_EQ(found.first_behind->xid, 704U);
}

TEST(Neighbours, LieNoEarlierThanRecoveryCanEnd) {
  const auto load = ledger();
  EXPECT_FALSE(neighbours_of(order(), &load, before_704, Lsn(0x308)).last_before);
}

// What was lost with the server nobody can recover too far to.
TEST(Neighbours, LieNoLaterThanWhatTheRepositoryHolds) {
  const auto load = ledger();
  auto held = order();
  held.acknowledged_lsn = "0/440";
  EXPECT_TRUE(neighbours_of(held, &load, before_704, Lsn(0x100)).first_behind);
  held.acknowledged_lsn = "0/438";
  EXPECT_FALSE(neighbours_of(held, &load, before_704, Lsn(0x100)).first_behind);
}

TEST(Neighbours, AreNoTransactionThatWasNeverAnswered) {
  auto load = ledger();
  load[1].outcome = LedgerOutcome::unknown;
  EXPECT_EQ(neighbours_of(order(), &load, before_704, Lsn(0x100)).last_before->xid, 703U);
}

TEST(Neighbours, AreNobodyWhereTheTargetIsNoPosition) {
  const auto load = ledger();
  const auto found = neighbours_of(order(), &load, {StopPosition::Kind::end_of_wal, {}, {}}, Lsn(0x100));
  EXPECT_FALSE(found.last_before || found.first_behind);
}

TEST(Neighbours, RefuseEvidenceWithoutAPlace) {
  auto broken = order();
  broken.records[0].lsn = "here";
  EXPECT_THROW((void)neighbours_of(broken, nullptr, before_704, Lsn(0x100)), backup_engine::base::Error);
}

}  // namespace
}  // namespace harness::measure
