// Random scenarios: the seed alone decides, what is drawn keeps to every rule, and all of the language is reached.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "tests/unit/harness/scenario/refused_scenario.hpp"
#include "tests/unit/harness/scenario/written_scenario.hpp"

namespace harness::scenario {
namespace {

constexpr std::string_view random_scenario = R"(scenario: drill
claim: It comes back.
random: true
source:
  provision: { dataset: ecommerce }
verify: [ledger, content, page_checksums, amcheck, verifybackup, constraints, catalog, sequences, settings, untouched]
objectives: { rto: 60s, rpo: 30s }
)";

Scenario drawn_by(std::uint64_t seed) {
  static const WrittenScenario file{std::string(random_scenario)};
  return parse_scenario(file.file(), file.fixtures(), {}, seed);
}

std::string timeline_of(const Scenario& scenario) {
  std::string text;
  for (const auto& step : scenario.timeline) {
    text += std::to_string(step.what.index());
    if (const auto* const load = std::get_if<LoadStep>(&step.what)) text += std::to_string(load->duration.count());
    if (const auto* const harm = std::get_if<DisasterStep>(&step.what)) text += harm->kind + harm->argument;
  }
  return text;
}

TEST(Draw, GivesTheSameForTheSameSeedAndOthersForOthers) {
  std::set<std::string> timelines;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto once = drawn_by(seed), again = drawn_by(seed);
    EXPECT_EQ(timeline_of(once), timeline_of(again)) << seed;
    EXPECT_EQ(once.restore.target, again.restore.target) << seed;
    EXPECT_EQ(once.source.load.writers, again.source.load.writers) << seed;
    timelines.insert(timeline_of(once));
  }
  EXPECT_EQ(timelines.size(), 20U);
}

TEST(Draw, AsksForTheProofWhereverTheDrawnRestoreLeavesACopy) {
  const WrittenScenario file{std::string(random_scenario) + "prove: true\n"};
  std::set<bool> asked;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto scenario = parse_scenario(file.file(), file.fixtures(), {}, seed);
    EXPECT_EQ(timeline_of(scenario), timeline_of(drawn_by(seed))) << "the same is drawn, seed " << seed;
    EXPECT_EQ(scenario.prove, scenario.restore.kind != RestoreKind::partial) << seed;
    asked.insert(scenario.prove);
  }
  EXPECT_EQ(asked.size(), 2U);
}

TEST(Draw, ReachesEveryDisasterTargetBackupAndKindOfRestore) {
  std::set<std::string> disasters;
  std::set<TargetKind> targets;
  std::set<TargetAction> actions;
  std::set<RestoreKind> kinds;
  std::set<std::pair<BackupType, BackupMethod>> backups;
  std::set<bool> inclusive, encrypted, archived, synchronous;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const auto scenario = drawn_by(seed);
    targets.insert(scenario.restore.target.kind);
    actions.insert(scenario.restore.action);
    kinds.insert(scenario.restore.kind);
    inclusive.insert(scenario.restore.target.inclusive);
    encrypted.insert(scenario.repository.encrypted);
    archived.insert(scenario.source.wal.by == WalTransport::archive);
    synchronous.insert(scenario.source.wal.synchronous);
    for (const auto& step : scenario.timeline) {
      if (const auto* const harm = std::get_if<DisasterStep>(&step.what)) disasters.insert(harm->kind);
      if (const auto* const backup = std::get_if<BackupStep>(&step.what)) backups.emplace(backup->type, backup->by);
    }
  }
  EXPECT_GE(disasters.size(), 8U);
  EXPECT_THAT(disasters, testing::Contains("fail_over"));
  EXPECT_EQ(targets.size(), 7U);
  EXPECT_EQ(actions.size(), 3U);
  EXPECT_THAT(kinds, testing::IsSupersetOf({RestoreKind::full, RestoreKind::pitr, RestoreKind::partial}));
  EXPECT_EQ(backups.size(), 6U);
  EXPECT_EQ(inclusive.size() + encrypted.size() + archived.size() + synchronous.size(), 8U);
}

// A check without anything to be judged against is left out; most of them stay.
TEST(Draw, KeepsTheChecksThatCanJudgeWhatWasDrawn) {
  std::map<CheckKind, int> kept;
  constexpr int seeds = 100;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    for (const auto& check : drawn_by(seed).verify) ++kept[check.kind];
  }
  EXPECT_EQ(kept[CheckKind::amcheck], seeds);
  EXPECT_EQ(kept[CheckKind::ledger], seeds);
  EXPECT_GT(kept[CheckKind::content], seeds / 3);
  EXPECT_LT(kept[CheckKind::content], seeds);
  EXPECT_GT(kept[CheckKind::untouched], 0);
  EXPECT_LT(kept[CheckKind::untouched], seeds / 2);
}

TEST(Draw, RefusesWhatItWouldDraw) {
  const auto refused = [](std::string_view part, std::string_view replacement) {
    return refusal_of(with(part, replacement, random_scenario));
  };
  EXPECT_THAT(refused("verify:", "restore: { kind: full, target: end_of_wal }\nverify:"),
              testing::StartsWith("6:10: a random scenario draws its restore | remove \"restore\""));
  EXPECT_THAT(refused("provision:", "wal: { by: stream, synchronous: false }\n  provision:"),
              testing::StartsWith("5:8: a random scenario draws its wal"));
  EXPECT_THAT(refused("random: true", "random: often"), testing::StartsWith("3:9: "));
  EXPECT_THAT(refused("dataset: ecommerce", "dataset: ecomerce"), testing::StartsWith("5:25: "));
  EXPECT_THAT(refused("claim: It comes back.\n", ""), testing::HasSubstr("lacks the key \"claim\""));
}

}  // namespace
}  // namespace harness::scenario
