#include "harness/measure/restored_tables.hpp"

#include <gtest/gtest.h>

namespace harness::measure {
namespace {

using reports::record::LedgerOutcome;
using reports::record::LedgerTransaction;
using reports::record::SelectedTables;

constexpr std::int64_t second = 1'000'000;

LedgerTransaction sent(std::int64_t id, LedgerOutcome outcome = LedgerOutcome::acknowledged) {
  return {id, 0, 700 + static_cast<std::uint64_t>(id), "digest", id * second, id * second + 1, outcome};
}

// 1 and 2 left rows in orders, 2 and 3 in payments; 4 nowhere here.
SelectedTables at_mark() {
  SelectedTables tables;
  tables.ledger_ids = {{"shop.orders", {1, 2}}, {"shop.payments", {2, 3}}};
  return tables;
}

const std::vector<LedgerTransaction> ledger = {sent(1), sent(2), sent(3), sent(4), sent(5, LedgerOutcome::aborted)};

TEST(MeasurePartialRpo, CountsOnlyTransactionsThatTheTablesKnow) {
  const auto then = at_mark();
  const auto rpo = measure_partial_rpo({then, then, true}, ledger, 10 * second, 0.0);
  EXPECT_EQ(rpo.acknowledged, 3U);
  EXPECT_EQ(rpo.recovered, 3U);
  EXPECT_EQ(rpo.lost, 0U);
  EXPECT_EQ(rpo.loss_seconds, 0.0);
  EXPECT_EQ(rpo.met, true);
  EXPECT_EQ(measure_partial_exactness({then, then, true}).met, true);
  EXPECT_EQ(measure_partial_exactness({then, then, true}).expected, 3U);
}

// Rows in one of its tables are not enough: 2 is lost as soon as its payment is.
TEST(MeasurePartialRpo, LosesATransactionWithTheFirstOfItsTables) {
  const auto then = at_mark();
  auto now = then;
  now.ledger_ids["shop.payments"] = {3};
  const auto rpo = measure_partial_rpo({then, now, false}, ledger, 10 * second, 5.0);
  EXPECT_EQ(rpo.lost, 1U);
  EXPECT_EQ(rpo.loss_seconds, 8.0);
  EXPECT_EQ(rpo.met, false);
  EXPECT_EQ(measure_partial_exactness({then, now, false}).missing, 1U);
  now.ledger_ids.erase("shop.orders");
  EXPECT_EQ(measure_partial_rpo({then, now, false}, ledger, 10 * second, 5.0).lost, 2U) << "a table that is gone";
}

// An updated row still says whose it is.
TEST(MeasurePartialRpo, DoesNotKnowTheLossWhenRowsDifferThatCarryNoTransaction) {
  const auto then = at_mark();
  const auto rpo = measure_partial_rpo({then, then, false}, ledger, 10 * second, 0.0);
  EXPECT_EQ(rpo.lost, 0U);
  EXPECT_FALSE(rpo.loss_seconds.has_value());
  EXPECT_FALSE(rpo.met.has_value());
  EXPECT_EQ(measure_partial_exactness({then, then, false}).met, false);
}

TEST(MeasurePartialRpo, FindsRowsThatNobodyCommitted) {
  const auto then = at_mark();
  auto now = then;
  now.ledger_ids["shop.orders"] = {1, 2, 5, 9};
  EXPECT_EQ(measure_partial_rpo({then, now, false}, ledger, 10 * second, {}).unexpected, 2U);
  EXPECT_EQ(measure_partial_exactness({then, now, false}).extra, 2U);
}

TEST(MeasurePartialExactness, FailsWithARowTooManyOfAKnownTransaction) {
  const auto then = at_mark();
  auto now = then;
  now.ledger_ids["shop.orders"] = {1, 2, 4};
  const auto exact = measure_partial_exactness({then, now, true});
  EXPECT_EQ(exact.extra, 1U);
  EXPECT_EQ(exact.met, false);
}

reports::record::CommitOrderEvidence order() {
  reports::record::CommitOrderEvidence evidence;
  evidence.records = {{"0/200", "0/228", 702, {}, "1970-01-01T00:00:02Z", 1, true}};
  return evidence;
}

TEST(CheckRestoredTransactions, PassesWhenEveryTransactionHasItsRowsAgain) {
  const auto then = at_mark();
  const auto check = check_restored_transactions({then, then, true}, ledger, order(), "").value();
  EXPECT_EQ(check.verdict, reports::record::Verdict::pass) << check.summary;
  EXPECT_EQ(check.name, "commit_order");
  const SelectedTables none;
  EXPECT_FALSE(check_restored_transactions({none, none, true}, ledger, order(), "")) << "no row says whose it is";
}

TEST(CheckRestoredTransactions, NamesTableAndTransactionOfWhatIsLostOrTooMuch) {
  const auto then = at_mark();
  auto now = then;
  now.ledger_ids = {{"shop.orders", {1, 2, 4, 5, 9}}, {"shop.payments", {3}}};
  const auto check = check_restored_transactions({then, now, false}, ledger, order(), "").value();
  EXPECT_EQ(check.verdict, reports::record::Verdict::fail);
  ASSERT_EQ(check.findings.size(), 4U);
  const auto& lost = check.findings[0];
  EXPECT_EQ(lost.object, "shop.payments");
  EXPECT_EQ(lost.key, "2");
  EXPECT_EQ(lost.xid, "702");
  EXPECT_EQ(lost.lsn, "0/200");
  EXPECT_EQ(lost.time, "1970-01-01T00:00:02Z");
  EXPECT_EQ(lost.text.substr(0, 5), "lost:");
  EXPECT_EQ(check.findings[1].text.substr(0, 6), "extra:") << "4 came later";
  EXPECT_EQ(check.findings[2].text.substr(0, 11), "unexpected:") << "5 was rolled back";
  EXPECT_EQ(check.findings[3].text.substr(0, 11), "unexpected:") << "nobody attempted 9";
}

TEST(CheckRestoredTransactions, NamesWhereTheScratchServerEnded) {
  const auto then = at_mark();
  const auto check = check_restored_transactions({then, then, true}, ledger, order(), "at 0/300").value();
  EXPECT_EQ(check.verdict, reports::record::Verdict::fail);
  ASSERT_EQ(check.findings.size(), 1U);
  EXPECT_EQ(check.findings[0].text, "ended elsewhere: at 0/300");
}

}  // namespace
}  // namespace harness::measure
