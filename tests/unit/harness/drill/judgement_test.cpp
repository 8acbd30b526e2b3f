#include "harness/drill/judgement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/sha256.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::drill {
namespace {

using reports::record::CommitOrderEvidence;
using reports::record::Evidence;
using reports::record::LedgerOutcome;
using reports::record::LedgerTransaction;
using reports::record::Report;

constexpr auto struck_at = "2026-11-20T02:15:00Z";

Report recovered() {
  Report report;
  report.disasters.push_back({"lose_server", struck_at, ""});
  auto& restore = report.restores.emplace_back();
  restore.outcome = "recovered";
  restore.reached.lsn = "0/300";
  restore.rpo.lost = 0;
  restore.rpo.met = true;
  restore.exact.met = true;
  report.backups.emplace_back().stop_lsn = "0/180";
  return report;
}

scenario::Scenario promising(scenario::TargetKind target) {
  scenario::Scenario scenario;
  scenario.restore.target.kind = target;
  scenario.objectives.rpo = scenario::Seconds(5);
  return scenario;
}

std::vector<LedgerTransaction> one_acknowledged() {
  return {{1, 0, 701, "digest", 1'000'000, 1'500'000, LedgerOutcome::acknowledged}};
}

TEST(JudgeDrill, KeepsNothingOfAnEarlierJudgingThatTheEvidenceDoesNotShow) {
  auto report = recovered();
  const auto scenario = promising(scenario::TargetKind::end_of_wal);
  judge(report, {scenario, one_acknowledged(), {}, Evidence{}});
  EXPECT_FALSE(report.restores[0].exact.met.has_value());
  EXPECT_FALSE(report.restores[0].rpo.lost.has_value());
  EXPECT_FALSE(report.restores[0].rpo.met.has_value());
  EXPECT_EQ(report.restores[0].rpo.objective_seconds, 5.0);
  EXPECT_EQ(report.restores[0].reached.lsn, "");
}

TEST(JudgeDrill, DoesNotMeasureLossAtABackupsPointWithoutTheCommitOrder) {
  auto report = recovered();
  const auto scenario = promising(scenario::TargetKind::immediate);
  Evidence evidence;
  evidence.ledger.emplace();
  judge(report, {scenario, one_acknowledged(), {}, evidence});
  EXPECT_FALSE(report.restores[0].rpo.met.has_value());
}

TEST(JudgeDrill, ComparesARestoreToTheBackupsPointWithTheBackupAndNotWithItself) {
  auto report = recovered();
  const auto scenario = promising(scenario::TargetKind::immediate);
  Evidence evidence;
  evidence.ledger = reports::record::LedgerRows{{{1, 701, "digest", "digest"}}};
  evidence.commit_order = CommitOrderEvidence{
      "pg_receivewal", {{"0/200", "", 701, {}, "2026-11-20T02:14:59Z", 1, true}}, "0/300", 1, "", {701}};
  judge(report, {scenario, one_acknowledged(), {}, evidence});
  EXPECT_EQ(report.restores[0].exact.extra, 1U) << "replay ran past the backup's stop";
  EXPECT_EQ(report.restores[0].exact.met, false);
}

TEST(JudgeDrill, SaysWhyExactnessIsNotKnown) {
  auto report = recovered();
  Evidence evidence;
  evidence.missing["commit_order"] = "pg_waldump cannot read the witness WAL";
  judge(report, {promising(scenario::TargetKind::end_of_wal), {}, {}, evidence});
  const auto& told = report.not_tested;
  EXPECT_NE(std::find(told.begin(), told.end(), "exactness: pg_waldump cannot read the witness WAL"), told.end());
}

TEST(JudgeDrill, AdmitsThatNoNetworkNamespaceSurroundsTheServers) {
  auto report = recovered();
  judge(report, {promising(scenario::TargetKind::end_of_wal), {}, {}, Evidence{}});
  ASSERT_FALSE(report.not_tested.empty());
  EXPECT_EQ(report.not_tested.back().substr(0, 10), "isolation:");
}

TEST(JudgeAgain, RefusesAScenarioThatIsNotTheOneThatWasDrilled) {
  const backup_engine::base::TemporaryDirectory directory("/var/tmp", "lifeboat-judge");
  const auto drill = directory.path() / "drill";
  std::filesystem::create_directories(drill / "evidence");
  std::filesystem::create_directories(directory.path() / "fixtures" / "datasets" / "pgbench");
  const std::string text =
      "scenario: drill\nclaim: c\nsource:\n  provision: { dataset: pgbench }\n  wal: { by: stream, synchronous: false "
      "}\ntimeline: [load: { for: 1s }, backup: full, disaster: lose_server]\nrestore: { kind: full, target: "
      "end_of_wal "
      "}\nverify: [ledger]\nobjectives: { rpo: 1s }\n";
  std::ofstream(drill / "drill.yaml") << text;
  std::ofstream(drill / "plan.json") << "{}";
  auto report = recovered();
  report.scenario = {"drill", "c", backup_engine::base::sha256_hex(text)};
  std::ofstream(drill / "report.json") << reports::record::to_json(report);
  const auto refusal = [&]() -> std::string {
    try {
      (void)judge_again(drill, directory.path() / "fixtures", {});
    } catch (const backup_engine::base::Error& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_EQ(refusal().find("is not the scenario that was drilled"), std::string::npos);
  std::ofstream(drill / "drill.yaml", std::ios::app) << "# promise less\n";
  EXPECT_NE(refusal().find("is not the scenario that was drilled"), std::string::npos);
}

}  // namespace
}  // namespace harness::drill
