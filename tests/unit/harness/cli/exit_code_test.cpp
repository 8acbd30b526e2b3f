#include "harness/cli/exit_code.hpp"

#include <gtest/gtest.h>

namespace harness::cli {
namespace {

using backup_engine::base::ErrorKind;
using reports::record::Report;
using reports::record::Verdict;

Report recovered_report() {
  Report report;
  report.restores.emplace_back();
  report.restores.back().outcome = "recovered";
  report.restores.back().exact.met = true;
  report.checks.emplace_back();
  report.checks.back().verdict = Verdict::pass;
  report.cleanup.verdict = Verdict::pass;
  return report;
}

TEST(ExitCode, OfAReportFollowsItsRecoveryThenItsCleanup) {
  auto report = recovered_report();
  EXPECT_EQ(exit_code_for(report), ExitCode::pass);
  report.cleanup.verdict = Verdict::fail;
  EXPECT_EQ(exit_code_for(report), ExitCode::cleanup);
  report.checks.back().verdict = Verdict::unknown;
  EXPECT_EQ(exit_code_for(report), ExitCode::unknown);
  report.checks.back().verdict = Verdict::fail;
  EXPECT_EQ(exit_code_for(report), ExitCode::fail);
}

TEST(ExitCode, OfADrillThatBrokeIsUnknown) {
  auto report = recovered_report();
  report.restores.clear();
  EXPECT_EQ(exit_code_for(report), ExitCode::unknown);
}

TEST(ExitCode, OfSeveralIsTheWorstInTheDesignsOrder) {
  EXPECT_EQ(worst({ExitCode::pass, ExitCode::cleanup}), ExitCode::cleanup);
  EXPECT_EQ(worst({ExitCode::cleanup, ExitCode::unknown}), ExitCode::unknown);
  EXPECT_EQ(worst({ExitCode::unknown, ExitCode::fail}), ExitCode::fail);
  EXPECT_EQ(worst({ExitCode::fail, ExitCode::usage}), ExitCode::usage);
  EXPECT_EQ(worst({ExitCode::usage, ExitCode::interrupted}), ExitCode::interrupted);
  EXPECT_EQ(worst({}), ExitCode::pass);
}

TEST(ExitCode, OfAnErrorTellsWhoMustAct) {
  EXPECT_EQ(exit_code_for(ErrorKind::usage), ExitCode::usage);
  EXPECT_EQ(exit_code_for(ErrorKind::mismatch), ExitCode::usage);
  EXPECT_EQ(exit_code_for(ErrorKind::already_exists), ExitCode::usage);
  EXPECT_EQ(exit_code_for(ErrorKind::corrupt), ExitCode::fail);
  EXPECT_EQ(exit_code_for(ErrorKind::no_space), ExitCode::unknown);
  EXPECT_EQ(exit_code_for(ErrorKind::interrupted), ExitCode::interrupted);
}

TEST(ExitCode, OfAFailedWalFetchIsNeverTakenForTheEndOfWal) {
  EXPECT_EQ(wal_fetch_not_there, 1);
  EXPECT_GT(wal_fetch_failed, 125);
}

}  // namespace
}  // namespace harness::cli
