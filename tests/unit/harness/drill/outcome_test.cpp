// How a restore ended, against what its scenario expects; and which disaster the clock starts with.
#include "harness/drill/outcome.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/drill/judgement.hpp"
#include "reports/record/summary.hpp"

namespace harness::drill {
namespace {

namespace record = reports::record;
using record::Verdict;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

scenario::Scenario expecting(const std::string& refusal) {
  scenario::Scenario scenario;
  scenario.restore.expected_refusal = refusal;
  return scenario;
}

record::Report ended(const std::string& outcome, const std::string& reason = "") {
  record::Report report;
  report.disasters.push_back({"lose_server", "2026-11-20T02:15:00Z", ""});
  auto& restore = report.restores.emplace_back();
  restore.outcome = outcome;
  restore.reason = reason;
  restore.target.type = "end_of_wal";
  if (outcome == "refused") restore.notes.emplace_back("the WAL of timeline 1 is missing from 0/1 to 0/2");
  return report;
}

record::Report judged(record::Report report, const scenario::Scenario& scenario) {
  judge(report, {scenario, {}, {}, {}});
  report.cleanup.verdict = Verdict::pass;
  return report;
}

TEST(JudgeOutcome, PassesARefusalForTheReasonThatWasExpectedAndSaysWhatWasNotShown) {
  const auto report = judged(ended("refused", "wal_gap"), expecting("wal_gap"));
  ASSERT_THAT(report.checks, SizeIs(1));
  EXPECT_EQ(report.checks[0].name, "outcome");
  EXPECT_EQ(report.checks[0].verdict, Verdict::pass);
  EXPECT_THAT(report.checks[0].summary, HasSubstr("is missing from 0/1 to 0/2"));
  EXPECT_THAT(report.not_tested, testing::ElementsAre(HasSubstr("nothing came back")));
  EXPECT_EQ(record::overall_verdict(report), Verdict::pass);
  EXPECT_FALSE(report.restores[0].rto.writable_seconds || report.restores[0].rpo.lost);
}

TEST(JudgeOutcome, FailsARefusalForAnotherReasonAndNamesBoth) {
  const auto report = judged(ended("refused", "wal_gap"), expecting("key_missing"));
  ASSERT_THAT(report.checks, SizeIs(1));
  EXPECT_EQ(report.checks[0].verdict, Verdict::fail);
  EXPECT_THAT(report.checks[0].summary, AllOf(HasSubstr("refused (key_missing)"), HasSubstr("refused (wal_gap)")));
  EXPECT_THAT(record::recovery_reasons(report), SizeIs(1));
  EXPECT_EQ(record::overall_verdict(report), Verdict::fail);
}

TEST(JudgeOutcome, FailsARecoveryThatHadToBeRefused) {
  const auto report = judged(ended("recovered"), expecting("wal_gap"));
  ASSERT_THAT(report.checks, SizeIs(1));
  EXPECT_EQ(report.checks[0].verdict, Verdict::fail);
  EXPECT_EQ(report.checks[0].expected, "refused (wal_gap)");
  EXPECT_EQ(report.checks[0].actual, "recovered");
  EXPECT_EQ(record::overall_verdict(report), Verdict::fail);
}

TEST(JudgeOutcome, FailsARefusalWhereARecoveryWasExpected) {
  const auto report = judged(ended("refused", "wal_gap"), expecting(""));
  EXPECT_THAT(report.checks, IsEmpty());
  EXPECT_EQ(record::overall_verdict(report), Verdict::fail);
  EXPECT_EQ(record::recovery_reasons(report).at(0).text,
            "The restore was expected to be recovered and was refused (wal_gap).");
}

TEST(JudgeOutcome, TakesTheExpectationFromTheScenarioAndNotFromTheReport) {
  auto report = ended("refused", "wal_gap");
  report.restores[0].expected = {"refused", "wal_gap"};
  EXPECT_EQ(record::overall_verdict(judged(report, expecting("wal_damaged"))), Verdict::fail);
}

TEST(HarmOf, IsTheFirstDisasterThatMadeARecoveryNecessary) {
  EXPECT_EQ(harm_of({}), nullptr);
  const std::vector<record::DisasterRecord> struck{
      {"lose_segment", "1", ""}, {"drop_table", "2", ""}, {"lose_server", "3", ""}};
  EXPECT_EQ(harm_of(struck), &struck[1]);
  EXPECT_EQ(harm_of({{"break_archiving", "1", ""}}), nullptr);
}

TEST(CostOfGoingBack, NamesTheBackupsThatCouldNotBeUsedAndTheWalReplayedInTheirPlace) {
  std::vector<record::BackupRecord> backups(2);
  backups[0].label = "20261120T021400Z-full";
  backups[0].stop_lsn = "0/1000000";
  backups[1].label = "20261120T031400Z-incr";
  backups[1].stop_lsn = "0/3000000";
  record::RestoreRecord restore;
  restore.target.type = "end_of_wal";
  restore.backup_label = backups[1].label;
  EXPECT_EQ(cost_of_going_back(backups, restore), "");
  restore.backup_label = backups[0].label;
  EXPECT_THAT(cost_of_going_back(backups, restore),
              AllOf(HasSubstr("went back to backup 20261120T021400Z-full"),
                    HasSubstr("could not be used: 20261120T031400Z-incr"), HasSubstr("from 0/1000000 to 0/3000000")));
  restore.target.type = "mark";
  EXPECT_EQ(cost_of_going_back(backups, restore), "") << "a newer backup may simply lie behind the target";
}

}  // namespace
}  // namespace harness::drill
