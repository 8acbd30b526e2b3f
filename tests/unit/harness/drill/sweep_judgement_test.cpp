#include "harness/drill/sweep_judgement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::drill {
namespace {

namespace record = reports::record;
using record::Verdict;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class JudgeSweep : public testing::Test {
 protected:
  JudgeSweep() {
    scenario_.restore.kind = scenario::RestoreKind::pitr_sweep;
    record::CommitOrderEvidence order;
    order.witness = "pg_receivewal";
    order.records = {{"0/200", "0/240", 701, {}, "2026-11-20T02:15:01.000000Z", 1, true},
                     {"0/300", "0/340", 702, {}, "2026-11-20T02:15:03.000000Z", 1, true}};
    order.reached_lsn = "0/340";
    evidence_.commit_order = order;
    for (const std::uint64_t xid : {701U, 702U}) {
      record::LedgerTransaction transaction;
      transaction.id = static_cast<std::int64_t>(xid);
      transaction.xid = xid;
      transaction.outcome = record::LedgerOutcome::acknowledged;
      ledger_.push_back(transaction);
    }
    record::SweepEvidence sweep;
    sweep.from_lsn = "0/180";
    sweep.until_lsn = "0/340";
    sweep.points = {point("0/200", {}), point("0/240", {701}), point("0/340", {702})};
    evidence_.sweep = sweep;
  }

  static record::SweepEvidence::Point point(const std::string& position, std::vector<std::uint64_t> appeared) {
    record::SweepEvidence::Point made;
    made.boundary = "after_commit";
    made.way = "shared";
    made.position = made.served = made.reached_lsn = position;
    made.outcome = "recovered";
    made.appeared = std::move(appeared);
    return made;
  }

  record::Check judged() {
    report_ = {};
    judge_sweep(report_, {scenario_, ledger_, {}, evidence_});
    EXPECT_THAT(report_.checks, SizeIs(1));
    return report_.checks.empty() ? record::Check() : report_.checks.front();
  }

  scenario::Scenario scenario_;
  std::vector<record::LedgerTransaction> ledger_;
  record::Evidence evidence_;
  record::Report report_;
};

TEST_F(JudgeSweep, PassesWhenEveryPointIsMet) {
  const auto check = judged();
  EXPECT_EQ(check.verdict, Verdict::pass) << check.summary;
  EXPECT_EQ(check.name, "sweep");
  EXPECT_EQ(check.witness, "pg_receivewal");
  ASSERT_TRUE(report_.sweep);
  EXPECT_EQ(report_.sweep->met, 3U);
}

TEST_F(JudgeSweep, FailsAndNamesTheCommitWhenARowOfTheEvidenceIsDeleted) {
  evidence_.sweep->points[1].appeared.clear();
  evidence_.sweep->points[2].appeared = {701, 702};
  const auto check = judged();
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_THAT(check.summary, HasSubstr("1 of 3 points"));
  ASSERT_THAT(check.findings, SizeIs(1));
  EXPECT_EQ(check.findings[0].xid, "701");
  EXPECT_EQ(check.findings[0].lsn, "0/200");
}

TEST_F(JudgeSweep, FailsAndNamesTheCommitWhenARowIsTooMany) {
  evidence_.sweep->points[0].appeared = {702};
  const auto check = judged();
  EXPECT_EQ(check.verdict, Verdict::fail);
  ASSERT_THAT(check.findings, testing::Not(IsEmpty()));
  EXPECT_EQ(check.findings[0].xid, "702");
}

TEST_F(JudgeSweep, IsUnknownWhenAPointCouldNotBeJudged) {
  evidence_.sweep->points[2].outcome.clear();
  evidence_.sweep->points[2].why = "out of disk";
  const auto check = judged();
  EXPECT_EQ(check.verdict, Verdict::unknown);
  EXPECT_THAT(check.summary, HasSubstr("out of disk"));
}

TEST_F(JudgeSweep, IsUnknownWithoutPointsOrEvidence) {
  evidence_.sweep->points.clear();
  EXPECT_EQ(judged().verdict, Verdict::unknown);
  evidence_.sweep.reset();
  evidence_.missing["sweep"] = "no records";
  const auto check = judged();
  EXPECT_EQ(check.verdict, Verdict::unknown);
  EXPECT_THAT(check.summary, HasSubstr("no records"));
  EXPECT_FALSE(report_.sweep);
}

TEST_F(JudgeSweep, IsNoCheckOfAnotherKindOfRestore) {
  scenario_.restore.kind = scenario::RestoreKind::pitr;
  judge_sweep(report_, {scenario_, ledger_, {}, evidence_});
  EXPECT_THAT(report_.checks, IsEmpty());
  EXPECT_FALSE(report_.sweep);
}

}  // namespace
}  // namespace harness::drill
