#include "harness/drill/judgement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/sha256.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "backup_engine/base/utc_time.hpp"

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
  restore.target.type = "end_of_wal";
  restore.backup_label = "20261120T021400Z-full";
  restore.reached.lsn = "0/300";
  restore.rpo.lost = 0;
  restore.rpo.met = true;
  restore.exact.met = true;
  auto& backup = report.backups.emplace_back();
  backup.label = restore.backup_label;
  backup.start_lsn = "0/100";
  backup.stop_lsn = "0/180";
  return report;
}

scenario::Scenario promising() {
  scenario::Scenario scenario;
  scenario.objectives.rpo = scenario::Seconds(5);
  return scenario;
}

std::vector<LedgerTransaction> one_acknowledged() {
  return {{1, 0, 701, "digest", 1'000'000, 1'500'000, LedgerOutcome::acknowledged}};
}

TEST(JudgeDrill, KeepsNothingOfAnEarlierJudgingThatTheEvidenceDoesNotShow) {
  auto report = recovered();
  const auto scenario = promising();
  judge(report, {scenario, one_acknowledged(), {}, Evidence{}});
  EXPECT_FALSE(report.restores[0].exact.met.has_value());
  EXPECT_FALSE(report.restores[0].rpo.lost.has_value());
  EXPECT_FALSE(report.restores[0].rpo.met.has_value());
  EXPECT_EQ(report.restores[0].rpo.objective_seconds, 5.0);
  EXPECT_EQ(report.restores[0].reached.lsn, "");
}

TEST(JudgeDrill, FailsForPagesThatABackupFoundDamaged) {
  auto report = recovered();
  const auto scenario = promising();
  const auto damage = [&] {
    judge(report, {scenario, one_acknowledged(), {}, Evidence{}});
    const auto found = std::ranges::find(report.checks, damage_check, &reports::record::Check::name);
    return found == report.checks.end() ? std::nullopt : std::optional(*found);
  };
  EXPECT_FALSE(damage());
  auto passed_over = report.backups[0];
  passed_over.label = "20261120T031400Z-incr";
  passed_over.damaged_pages = 2;
  report.backups.push_back(passed_over);
  const auto check = damage();
  ASSERT_TRUE(check);
  EXPECT_EQ(check->verdict, reports::record::Verdict::fail);
  ASSERT_EQ(check->findings.size(), 1U);
  EXPECT_EQ(check->findings[0].object, passed_over.label);
  EXPECT_NE(check->summary.find("2 damaged pages in backup 20261120T031400Z-incr"), std::string::npos)
      << check->summary;
}

TEST(JudgeDrill, DoesNotMeasureLossAtABackupsPointWithoutTheCommitOrder) {
  auto report = recovered();
  report.restores[0].target.type = "immediate";
  const auto scenario = promising();
  Evidence evidence;
  evidence.ledger.emplace();
  judge(report, {scenario, one_acknowledged(), {}, evidence});
  EXPECT_FALSE(report.restores[0].rpo.met.has_value());
}

TEST(JudgeDrill, ComparesARestoreToTheBackupsPointWithTheBackupAndNotWithItself) {
  auto report = recovered();
  report.restores[0].target.type = "immediate";
  const auto scenario = promising();
  Evidence evidence;
  evidence.ledger = reports::record::LedgerRows{{{1, 701, "digest", "digest"}}};
  evidence.commit_order = CommitOrderEvidence{
      "pg_receivewal", {{"0/200", "", 701, {}, "2026-11-20T02:14:59Z", 1, true}}, "0/300", 1, "", {701}};
  judge(report, {scenario, one_acknowledged(), {}, evidence});
  EXPECT_EQ(report.restores[0].exact.extra, 1U) << "replay ran past the backup's stop";
  EXPECT_EQ(report.restores[0].exact.met, false);
}

TEST(JudgeDrill, ExpectsTheNewestBackupsPointWhicheverTheEngineTook) {
  auto report = recovered();
  report.restores[0].target.type = "immediate";
  auto newer = report.backups[0];
  newer.label = "20261120T021430Z-full";
  newer.start_lsn = "0/280";
  newer.stop_lsn = "0/300";
  report.backups.push_back(newer);
  Evidence evidence;
  evidence.ledger = reports::record::LedgerRows{};
  evidence.commit_order = CommitOrderEvidence{
      "pg_receivewal", {{"0/200", "", 701, {}, "2026-11-20T02:14:59Z", 1, true}}, "0/180", 1, "", {}};
  judge(report, {promising(), one_acknowledged(), {}, evidence});
  EXPECT_EQ(report.restores[0].exact.missing, 1U);
  EXPECT_EQ(report.restores[0].exact.met, false);
}

// 701 committed before the point, 702 behind it; both were acknowledged, 702 is not there.
struct BeforeADrop {
  Report report = recovered();
  Evidence evidence;
  std::vector<reports::record::Mark> marks;
  const std::vector<LedgerTransaction> ledger = {
      {1, 0, 701, "digest", 1'000'000, 1'500'000, LedgerOutcome::acknowledged},
      {2, 0, 702, "digest", 2'000'000, 2'500'000, LedgerOutcome::acknowledged}};

  BeforeADrop() {
    report.restores[0].kind = "pitr";
    report.restores[0].target = {"mark", "lifeboat-before-drop", true, ""};
    marks.emplace_back().name = "before-drop";
    marks[0].restore_point = "lifeboat-before-drop";
    marks[0].time = "2026-11-20T02:14:59.5Z";
    evidence.ledger = reports::record::LedgerRows{{{1, 701, "digest", "digest"}}};
    auto& order = evidence.commit_order.emplace();
    order.records = {{"0/200", "0/228", 701, {}, "2026-11-20T02:14:59Z", 1, true},
                     {"0/300", "0/328", 702, {}, "2026-11-20T02:15:00Z", 1, true}};
    order.restore_points = {{"lifeboat-before-drop", "0/240", "0/2A8", 1}};
    order.reached_lsn = "0/2A8";
    order.xids_present = {701};
  }
  const reports::record::RestoreRecord& judged() {
    judge(report, {promising(), ledger, marks, evidence});
    return report.restores[0];
  }
};

TEST(JudgeDrill, CountsWhatCommittedPastAMarkAsDiscarded) {
  BeforeADrop drill;
  const auto& restore = drill.judged();
  EXPECT_EQ(restore.exact.met, true);
  EXPECT_EQ(restore.rpo.lost, 0U);
  EXPECT_EQ(restore.rpo.discarded, 1U);
  EXPECT_EQ(restore.rpo.met, true);
  EXPECT_EQ(restore.reached.xid, "701");
}

TEST(JudgeDrill, TakesLossBeforeAMarkFromTheMarksInstant) {
  BeforeADrop drill;
  drill.evidence.ledger->rows.clear();
  drill.evidence.commit_order->xids_present.clear();
  const auto& restore = drill.judged();
  EXPECT_EQ(restore.exact.missing, 1U);
  EXPECT_EQ(restore.rpo.lost, 1U);
  const auto mark = backup_engine::base::parse_rfc3339(drill.marks[0].time)->time_since_epoch();
  EXPECT_EQ(restore.rpo.loss_seconds, std::chrono::duration<double>(mark).count() - 1.0) << "sent at second 1";
  EXPECT_EQ(restore.rpo.met, false);
}

const reports::record::Check* commit_order_of(const Report& report) {
  const auto found = std::ranges::find(report.checks, "commit_order", &reports::record::Check::name);
  return found == report.checks.end() ? nullptr : &*found;
}

TEST(JudgeDrill, NamesTheTransactionsBehindItsNumbers) {
  BeforeADrop drill;
  drill.evidence.seconds["commit_order"] = 0.25;
  (void)drill.judged();
  const auto* passed = commit_order_of(drill.report);
  ASSERT_NE(passed, nullptr);
  EXPECT_EQ(passed->verdict, reports::record::Verdict::pass) << passed->summary;
  EXPECT_EQ(passed->seconds, 0.25);
  drill.evidence.ledger->rows.clear();
  drill.evidence.commit_order->xids_present.clear();
  (void)drill.judged();
  const auto* failed = commit_order_of(drill.report);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->verdict, reports::record::Verdict::fail);
  ASSERT_EQ(failed->findings.size(), 1U);
  EXPECT_EQ(failed->findings[0].xid, "701");
  EXPECT_EQ(failed->findings[0].lsn, "0/200");
  EXPECT_EQ(failed->findings[0].time, "2026-11-20T02:14:59Z");
}

TEST(JudgeDrill, IsNotExactWhenTheTargetWasNotReached) {
  BeforeADrop drill;
  drill.evidence.commit_order->reached_lsn = "0/228";
  EXPECT_EQ(drill.judged().exact.met, false);
  EXPECT_EQ(drill.report.restores[0].exact.missing, 0U);
}

TEST(JudgeDrill, SaysWhyATargetsPlaceIsNotKnown) {
  BeforeADrop drill;
  drill.evidence.commit_order->restore_points.clear();
  EXPECT_FALSE(drill.judged().exact.met.has_value());
  EXPECT_FALSE(drill.report.restores[0].rpo.lost.has_value());
  const auto& told = drill.report.not_tested;
  EXPECT_TRUE(std::any_of(told.begin(), told.end(), [](const auto& line) {
    return line.find("exactness: the witness WAL holds no restore point") == 0;
  }));
}

// One table of a living server: its own transactions count, and the scratch server's recovery.
struct PartOfAServer : BeforeADrop {
  scenario::Scenario scenario = promising();
  PartOfAServer() {
    scenario.restore.kind = scenario::RestoreKind::partial;
    scenario.restore.partial.tables = {"shop.orders"};
    report.restores[0].kind = "partial";
    auto& then = marks[0].selected.emplace();
    then.content.tables = {{"shop.orders", 1, "o", {}}};
    then.ledger_ids = {{"shop.orders", {1}}};
    evidence.content_mark = marks[0].name;
    evidence.selected = then;
    evidence.commit_order->xids_present.clear();  // the scratch server is gone
  }
  const reports::record::RestoreRecord& judged() {
    judge(report, {scenario, ledger, marks, evidence});
    return report.restores[0];
  }
};

TEST(JudgeDrill, MeasuresAPartialRestoreByTheRestoredTables) {
  PartOfAServer drill;
  const auto& restore = drill.judged();
  EXPECT_EQ(restore.exact.met, true);
  EXPECT_EQ(restore.exact.expected, 1U);
  EXPECT_EQ(restore.exact.witness, "mark");
  EXPECT_EQ(restore.rpo.acknowledged, 1U);
  EXPECT_EQ(restore.rpo.met, true);
  drill.evidence.selected->content.tables[0].digest = "other rows";
  EXPECT_EQ(drill.judged().exact.met, false);
  EXPECT_FALSE(drill.judged().rpo.met.has_value());
}

TEST(JudgeDrill, DoesNotCallAPartialRestoreExactWhenItsScratchServerStoppedElsewhere) {
  PartOfAServer drill;
  drill.evidence.commit_order->reached_lsn = "0/328";
  EXPECT_EQ(drill.judged().exact.met, false);
}

TEST(JudgeDrill, DoesNotCallAPartialRestoreOfNoRowsExact) {
  PartOfAServer drill;
  for (auto* tables : {&*drill.marks[0].selected, &*drill.evidence.selected}) {
    tables->content.tables = {{"shop.orders", 0, "o", {}}};
    tables->ledger_ids.clear();
  }
  EXPECT_FALSE(drill.judged().exact.met.has_value());
}

TEST(JudgeDrill, KnowsNothingOfAPartialRestoreThatNoMarkDescribes) {
  PartOfAServer drill;
  drill.evidence.content_mark.clear();
  EXPECT_FALSE(drill.judged().exact.met.has_value());
  EXPECT_FALSE(drill.report.restores[0].rpo.met.has_value());
}

TEST(JudgeDrill, SaysWhyExactnessIsNotKnown) {
  auto report = recovered();
  Evidence evidence;
  evidence.missing["commit_order"] = "pg_waldump cannot read the witness WAL";
  judge(report, {promising(), {}, {}, evidence});
  const auto& told = report.not_tested;
  EXPECT_NE(std::find(told.begin(), told.end(), "exactness: pg_waldump cannot read the witness WAL"), told.end());
}

TEST(JudgeDrill, AdmitsThatNoNamespacesSurroundedTheServers) {
  auto report = recovered();
  Evidence evidence;
  evidence.isolation.emplace().impossible = "Operation not permitted";
  judge(report, {promising(), {}, {}, evidence});
  const bool admitted = std::any_of(report.not_tested.begin(), report.not_tested.end(), [](const auto& line) {
    return line.starts_with("isolation: only settings") && line.find("Operation not permitted") != line.npos;
  });
  EXPECT_TRUE(admitted);
  EXPECT_TRUE(
      std::none_of(report.checks.begin(), report.checks.end(), [](const auto& c) { return c.name == "isolation"; }));
}

TEST(JudgeDrill, FailsWhenARestoredServerReachedSomebody) {
  auto report = recovered();
  Evidence evidence;
  auto& seen = evidence.isolation.emplace();
  seen.processes = 1;
  seen.attempts = {{"TCP 127.0.0.1:5432", true, true, ""}};
  judge(report, {promising(), {}, {}, evidence});
  EXPECT_EQ(report.checks.back().name, "isolation");
  EXPECT_EQ(report.checks.back().verdict, reports::record::Verdict::fail);
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
