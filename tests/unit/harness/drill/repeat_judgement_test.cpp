#include "harness/drill/repeat_judgement.hpp"

#include <gmock/gmock.h>

#include "reports/record/summary.hpp"

namespace harness::drill {
namespace {

using reports::record::CommitOrderEvidence;
using reports::record::Evidence;
using reports::record::RestoreRecord;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Three restores to the end of WAL, of 1, 2 and 4 s; the last is the one that was examined.
struct Repeated {
  reports::record::Report report;
  scenario::Scenario scenario;
  Evidence evidence;
  const std::vector<reports::record::LedgerTransaction> ledger = {
      {1, 0, 701, "digest", 1'000'000, 1'500'000, reports::record::LedgerOutcome::acknowledged}};

  Repeated() {
    scenario.repeat = 3;
    scenario.objectives.rto = scenario::Seconds(3);
    report.disasters.push_back({"lose_server", "2026-11-20T02:15:00Z", ""});
    for (const double seconds : {1.0, 2.0, 4.0}) {
      auto& restore = report.restores.emplace_back();
      restore.outcome = "recovered";
      restore.backup_label = "full";
      restore.target.type = "end_of_wal";
      restore.reached.lsn = "0/300";
      restore.repeat = static_cast<unsigned>(report.restores.size());
      restore.size.database_bytes = 1000;
      restore.volume = {1000, 100, 0.25};
      restore.rto.phases = {{"restore", "2026-11-20T02:15:00Z", seconds, {}},
                            {"readable", "2026-11-20T02:15:00Z", seconds, {}},
                            {"writable", "2026-11-20T02:15:00Z", seconds, {}}};
    }
    evidence.ledger = reports::record::LedgerRows{{{1, 701, "digest", "digest"}}};
    evidence.commit_order = CommitOrderEvidence{
        "pg_receivewal", {{"0/200", "0/228", 701, {}, "2026-11-20T02:14:59Z", 1, true}}, "0/300", 1, "", {701}};
  }

  reports::record::Report& judged() {
    judge(report, {scenario, ledger, {}, evidence});
    return report;
  }
};

TEST(JudgeRepeats, HoldsEachAgainstTheObjective) {
  Repeated drill;
  const auto& restores = drill.judged().restores;
  EXPECT_EQ(restores[0].rto.met, true);
  EXPECT_EQ(restores[1].rto.met, true);
  EXPECT_EQ(restores[2].rto.met, false);
  EXPECT_EQ(restores[1].rto.writable_seconds, 2.0);
  EXPECT_EQ(restores[1].size.size_class, "small");
  std::swap(drill.report.restores[0].rto.phases, drill.report.restores[2].rto.phases);
  EXPECT_EQ(drill.judged().restores[0].rto.met, false);
  EXPECT_EQ(reports::record::recovery_verdict(drill.report), reports::record::Verdict::fail)
      << "though the last met it";
}

TEST(JudgeRepeats, SaysOfEachWhetherItEndedWhereTheExaminedOneDid) {
  Repeated drill;
  drill.report.restores[1].reached.lsn = "0/280";
  const auto& restores = drill.judged().restores;
  EXPECT_EQ(restores[0].exact.met, true);
  EXPECT_EQ(restores[0].exact.witness, "pg_receivewal");
  EXPECT_FALSE(restores[0].exact.expected.has_value()) << "its commits were not looked at";
  EXPECT_EQ(restores[1].exact.met, false);
  EXPECT_EQ(restores[2].exact.met, true);
  EXPECT_EQ(restores[2].exact.expected, 1U);
}

TEST(JudgeRepeats, KnowsNoExactnessWhereNothingWasReadOfIt) {
  Repeated drill;
  drill.report.restores[0].reached.lsn.clear();
  EXPECT_FALSE(drill.judged().restores[0].exact.met.has_value());
  drill.evidence.commit_order.reset();
  EXPECT_FALSE(drill.judged().restores[1].exact.met.has_value());
}

TEST(JudgeRepeats, PassesNoRepeatWhenTheExaminedOneIsNotExact) {
  Repeated drill;
  drill.evidence.commit_order->xids_present.clear();
  drill.evidence.ledger->rows.clear();
  EXPECT_EQ(drill.judged().restores[2].exact.met, false);
  EXPECT_EQ(drill.report.restores[0].exact.met, false);
}

// Of a living cluster WAL may arrive while the drill goes on.
TEST(JudgeRepeats, LetsARepeatOfAStoredBackupEndEarlierIfAllThatWasHeldIsThere) {
  Repeated drill;
  drill.scenario.source.stored.emplace();
  drill.scenario.objectives = {};
  auto& order = *drill.evidence.commit_order;
  order.witness = "engine";
  order.acknowledged_lsn = "0/230";
  order.recovered_statuses = order.paused_statuses = {{701, "committed"}};
  drill.report.restores[0].reached.lsn = "0/230";
  drill.report.restores[1].reached.lsn = "0/1F0";
  const auto& restores = drill.judged().restores;
  ASSERT_EQ(restores[2].exact.met, true);
  EXPECT_EQ(restores[0].exact.met, true);
  EXPECT_EQ(restores[1].exact.met, false) << "the commit at 0/200 was held and is missing";
  drill.report.restores[0].reached.lsn = "0/400";
  EXPECT_EQ(drill.judged().restores[0].exact.met, false) << "behind the last";
  drill.report.restores[0].reached.lsn = "0/230";
  for (auto& restore : drill.report.restores) restore.target = {"lsn", "0/300", true, ""};
  EXPECT_EQ(drill.judged().restores[0].exact.met, false) << "a target is the same place each time";
}

TEST(JudgeRepeats, MeasuresWhatThePhasesSay) {
  Repeated drill;
  const auto& statistics = drill.judged().statistics;
  ASSERT_TRUE(statistics);
  EXPECT_EQ(statistics->repeats, 3U);
  ASSERT_THAT(statistics->phases, SizeIs(3));
  EXPECT_EQ(statistics->phases[0].name, "restore");
  EXPECT_EQ(statistics->phases[0].median_seconds, 2);
  ASSERT_THAT(statistics->milestones, SizeIs(3));
  EXPECT_EQ(statistics->milestones[2].maximum_seconds, 4);
  EXPECT_DOUBLE_EQ(statistics->restored_bytes_per_second.value(), 500);
  EXPECT_DOUBLE_EQ(statistics->replayed_wal_bytes_per_second.value(), 400);
  EXPECT_THAT(statistics->extrapolations, IsEmpty());
  EXPECT_THAT(statistics->notes, ElementsAre(HasSubstr("The 95th percentile of 3 samples is their maximum"),
                                             HasSubstr("was measured once")));
}

TEST(JudgeRepeats, SaysSoWhenTheRepeatsRestoredDifferentBackups) {
  Repeated drill;
  drill.report.restores[1].backup_label = "newer";
  EXPECT_THAT(drill.judged().statistics.value().notes.back(), HasSubstr("different backups: full, newer."));
}

TEST(JudgeRepeats, ExtrapolatesOneRestoreToo) {
  Repeated drill;
  drill.report.restores.erase(drill.report.restores.begin(), drill.report.restores.begin() + 2);
  drill.report.restores[0].repeat.reset();
  EXPECT_FALSE(drill.judged().statistics.has_value());
  drill.scenario.extrapolate_to_bytes = {10'000};
  const auto& statistics = drill.judged().statistics;
  ASSERT_TRUE(statistics);
  EXPECT_EQ(statistics->repeats, 1U);
  ASSERT_THAT(statistics->extrapolations, SizeIs(1));
  EXPECT_DOUBLE_EQ(statistics->extrapolations[0].rto_seconds.value(), 40 + 2.5);
  EXPECT_THAT(statistics->notes, ElementsAre(HasSubstr("One restore was measured")));
}

TEST(JudgeRepeats, LeavesOutARestoreThatCameToNothing) {
  Repeated drill;
  drill.report.restores[0].outcome = "failed";
  EXPECT_EQ(drill.judged().statistics.value().repeats, 2U);
}

}  // namespace
}  // namespace harness::drill
