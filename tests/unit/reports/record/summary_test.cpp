#include "reports/record/summary.hpp"

#include <gtest/gtest.h>

namespace reports::record {
namespace {

Report proven() {
  Report report;
  RestoreRecord restore;
  restore.outcome = "recovered";
  restore.rto.writable_seconds = 8;
  restore.rto.objective_seconds = 60;
  restore.rto.met = true;
  restore.rpo.lost = 0;
  restore.rpo.objective_seconds = 2;
  restore.rpo.met = true;
  restore.exact.expected = 100;
  restore.exact.met = true;
  report.restores = {restore};
  report.checks.resize(2);
  for (auto& check : report.checks) check.verdict = Verdict::pass;
  report.cleanup.verdict = Verdict::pass;
  return report;
}

TEST(DrillName, SaysWhichClusterFilledTheScenario) {
  Report report;
  EXPECT_EQ(drill_name(report), "");
  report.scenario.name = "restore";
  report.drill_id = "restore/20261120T021500Z";
  EXPECT_EQ(drill_name(report), "restore");
  report.drill_id = "restore@main/20261120T021500Z";
  EXPECT_EQ(drill_name(report), "restore@main");
  report.drill_id = "restored@main/20261120T021500Z";
  EXPECT_EQ(drill_name(report), "restore");
}

TEST(OverallVerdict, PassesWhenEverythingPromisedWasShown) {
  EXPECT_EQ(overall_verdict(proven()), Verdict::pass);
  EXPECT_TRUE(recovery_reasons(proven()).empty());
}

TEST(OverallVerdict, NeverPassesWithoutAnyCheck) {
  auto report = proven();
  report.checks.clear();
  EXPECT_EQ(overall_verdict(report), Verdict::unknown);
}

TEST(OverallVerdict, IsUnknownForADrillThatBrokeBeforeItsRestore) {
  EXPECT_EQ(overall_verdict(Report()), Verdict::unknown);
  auto report = proven();
  report.restores.clear();
  EXPECT_EQ(overall_verdict(report), Verdict::unknown);
  report = proven();
  report.restores.back().outcome.clear();
  EXPECT_EQ(overall_verdict(report), Verdict::unknown);
}

TEST(OverallVerdict, FailsForAnyRepeatAndSaysWhich) {
  auto report = proven();
  report.restores.push_back(report.restores.front());
  report.restores[0].repeat = 1;
  report.restores[1].repeat = 2;
  EXPECT_EQ(overall_verdict(report), Verdict::pass);
  report.restores[0].rto.met = false;
  report.restores[0].rto.writable_seconds = 61;
  EXPECT_EQ(overall_verdict(report), Verdict::fail);
  ASSERT_EQ(recovery_reasons(report).size(), 1U);
  EXPECT_EQ(recovery_reasons(report)[0].text, "Repeat 1: Recovery took 61.0 s; 60.0 s was promised.");
}

TEST(OverallVerdict, FollowsTheWorstCheck) {
  auto report = proven();
  report.checks[0].verdict = Verdict::unknown;
  EXPECT_EQ(overall_verdict(report), Verdict::unknown);
  report.checks[1].verdict = Verdict::fail;
  EXPECT_EQ(overall_verdict(report), Verdict::fail);
}

TEST(OverallVerdict, FailsWhenAnObjectiveIsMissed) {
  auto report = proven();
  report.restores.back().rto.met = false;
  EXPECT_EQ(overall_verdict(report), Verdict::fail);
  EXPECT_EQ(recovery_reasons(report).at(0).text, "Recovery took 8.00 s; 60.0 s was promised.");
  report = proven();
  report.restores.back().rpo.met = false;
  EXPECT_EQ(overall_verdict(report), Verdict::fail);
}

TEST(OverallVerdict, FailsOnRowsThatNobodyCommittedOrThatAreThereTwice) {
  auto report = proven();
  report.restores.back().rpo = {};
  report.restores.back().rpo.unexpected = 1;
  EXPECT_EQ(overall_verdict(report), Verdict::fail);
  report.restores.back().rpo.unexpected = 0;
  report.restores.back().rpo.duplicated = 1;
  EXPECT_EQ(overall_verdict(report), Verdict::fail);
}

TEST(OverallVerdict, IsUnknownWhenAnObjectiveCouldNotBeMeasured) {
  auto report = proven();
  report.restores.back().rto.met.reset();
  EXPECT_EQ(overall_verdict(report), Verdict::unknown);
  report = proven();
  report.restores.back().rpo.met.reset();
  EXPECT_EQ(overall_verdict(report), Verdict::unknown);
}

TEST(OverallVerdict, AsksForNoObjectiveThatTheScenarioDoesNotPromise) {
  auto report = proven();
  report.restores.back().rto = {};
  report.restores.back().rpo = {};
  EXPECT_EQ(overall_verdict(report), Verdict::pass);
}

TEST(OverallVerdict, IsUnknownWhenNobodyCouldSayWhichCommitsCameBack) {
  auto report = proven();
  report.restores.back().exact = {};
  EXPECT_EQ(overall_verdict(report), Verdict::unknown);
}

TEST(OverallVerdict, FailsWhenTheCommitsAreNotExactlyThoseOfTheTarget) {
  auto report = proven();
  report.restores.back().exact.met = false;
  EXPECT_EQ(overall_verdict(report), Verdict::fail);
  report.restores.back().exact.met.reset();
  EXPECT_EQ(overall_verdict(report), Verdict::unknown);
}

// A pause that PostgreSQL ignored, say: the drill then calls the restore failed.
TEST(OverallVerdict, FailsForARestoreThatEndedOtherwiseThanExpected) {
  auto report = proven();
  report.restores.back().outcome = "failed";
  EXPECT_EQ(overall_verdict(report), Verdict::fail);
}

TEST(RecoveryReasons, SayThatRecoveryEndedElsewhereWhenNoCommitTellsIt) {
  auto report = proven();
  auto& restore = report.restores.back();
  restore.target = {"name", "before-drop", true, ""};
  restore.reached.lsn = "0/2D0";
  restore.exact = {10, 0, 0, "pg_receivewal", false};
  EXPECT_EQ(recovery_reasons(report).at(0).text,
            "Recovery ended at 0/2D0, which is not where its target (name before-drop) lies.");
  restore.exact.extra = 1;
  EXPECT_EQ(recovery_reasons(report).at(0).text,
            "The commits present are not those of the target: 0 missing, 1 extra.");
}

TEST(OverallVerdict, LooksAtEveryRestoreNotOnlyTheLast) {
  auto report = proven();
  report.restores.push_back(report.restores.front());
  report.restores.front().rto.met = false;
  EXPECT_EQ(overall_verdict(report), Verdict::fail);
}

TEST(OverallVerdict, FailsWhenTheOutcomeIsNotTheExpectedOne) {
  auto report = proven();
  report.restores.back().outcome = "failed";
  EXPECT_EQ(overall_verdict(report), Verdict::fail);
  report.restores.back().outcome = report.restores.back().expected.outcome = "refused";
  EXPECT_EQ(overall_verdict(report), Verdict::pass);
}

TEST(OverallVerdict, DoesNotPassWithADirtyCleanupButTheRecoveryDoes) {
  auto report = proven();
  for (const auto cleanup : {Verdict::fail, Verdict::unknown}) {
    report.cleanup.verdict = cleanup;
    EXPECT_EQ(overall_verdict(report), Verdict::unknown);
    EXPECT_EQ(recovery_verdict(report), Verdict::pass);
  }
}

TEST(OverallVerdict, DoesNotBelieveTheVerdictAlreadyWritten) {
  auto report = proven();
  report.checks[0].verdict = Verdict::fail;
  report.verdict = Verdict::pass;
  EXPECT_EQ(overall_verdict(report), Verdict::fail);
}

TEST(Verdicts, MergeByTheWorst) {
  EXPECT_EQ(worst(Verdict::pass, Verdict::unknown), Verdict::unknown);
  EXPECT_EQ(worst(Verdict::fail, Verdict::unknown), Verdict::fail);
  for (const auto verdict : {Verdict::pass, Verdict::unknown, Verdict::fail}) {
    EXPECT_EQ(parse_verdict(to_string(verdict)), verdict);
  }
  EXPECT_EQ(parse_verdict("PASS"), std::nullopt);
}

}  // namespace
}  // namespace reports::record
