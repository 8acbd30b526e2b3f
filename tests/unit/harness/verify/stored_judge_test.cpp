// Judging a stored backup: of a cluster of which no mark was taken and no ledger kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/verify/judge.hpp"

namespace harness::verify {
namespace {

using reports::record::Check;
using reports::record::ToolRun;
using reports::record::Verdict;
using scenario::CheckKind;
using testing::HasSubstr;

class StoredBackupJudge : public testing::Test {
 protected:
  StoredBackupJudge() { records_.stored_backup = true; }

  [[nodiscard]] Check judged(CheckKind kind) const { return judge({{kind, {}}}, records_).checks.at(0); }

  Records records_;
  reports::record::Evidence& evidence_ = records_.evidence;
};

TEST_F(StoredBackupJudge, ExcusesAClusterForWhatItHasNotOnceAnotherCheckPassed) {
  evidence_.sequences.emplace();
  EXPECT_EQ(judged(CheckKind::sequences).verdict, Verdict::unknown) << "nothing at all was examined";
  evidence_.consistency.emplace().files_examined = 3;
  const auto judgement = judge({{CheckKind::sequences, {}}, {CheckKind::catalog, {}}}, records_);
  EXPECT_EQ(judgement.checks.at(0).verdict, Verdict::pass);
  EXPECT_THAT(judgement.not_tested, testing::Contains(HasSubstr("sequences: the restored cluster has none")));
}

TEST_F(StoredBackupJudge, DoesNotExcuseWhatCouldNotBeProbed) {
  evidence_.consistency.emplace().files_examined = 3;
  evidence_.missing["sequences"] = "the server was gone";
  const auto judgement = judge({{CheckKind::sequences, {}}, {CheckKind::catalog, {}}}, records_);
  EXPECT_EQ(judgement.checks.at(0).verdict, Verdict::unknown);
}

TEST_F(StoredBackupJudge, NamesWhatLeadsNowhereInTheCatalog) {
  auto& consistency = evidence_.consistency.emplace();
  consistency.references_examined = 200;
  EXPECT_EQ(judged(CheckKind::catalog).verdict, Verdict::pass);
  consistency.broken_references = {{"pg_enum (enumtypid)", "pg_type (oid)", 2}};
  consistency.missing_files = {"shop.orders: base/5/16384"};
  const auto check = judged(CheckKind::catalog);
  EXPECT_EQ(check.verdict, Verdict::fail);
  ASSERT_EQ(check.findings.size(), 2U);
  EXPECT_EQ(check.findings[0].object, "pg_enum (enumtypid)");
  EXPECT_EQ(check.findings[1].object, "shop.orders");
}

TEST_F(StoredBackupJudge, ComparesSettingsWithWhatTheSourceRanWith) {
  evidence_.control_data =
      ToolRun{"pg_controldata", {}, 0, "wal_level setting:   replica\nmax_connections setting:   300\n", 0};
  auto& catalog = evidence_.catalog.emplace();
  catalog.settings = {{"wal_level", "replica"}, {"max_connections", "300"}};
  EXPECT_EQ(judged(CheckKind::settings).verdict, Verdict::pass);
  catalog.settings["max_connections"] = "100";
  const auto check = judged(CheckKind::settings);
  ASSERT_EQ(check.findings.size(), 1U);
  EXPECT_EQ(check.findings[0].object, "max_connections");
  catalog.quarantined = {{"max_connections", "100"}};
  EXPECT_EQ(judged(CheckKind::settings).verdict, Verdict::pass) << "given by quarantine";
}

}  // namespace
}  // namespace harness::verify
