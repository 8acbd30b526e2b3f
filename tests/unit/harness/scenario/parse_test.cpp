#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/sha256.hpp"
#include "tests/support/places.hpp"
#include "tests/unit/harness/scenario/written_scenario.hpp"

namespace harness::scenario {
namespace {

TEST(ParseScenario, FillsWhatIsLeftOutWithTheDocumentedDefaults) {
  const auto scenario = WrittenScenario(std::string(sound_scenario)).parse();
  EXPECT_EQ(scenario.name, "drill");
  EXPECT_EQ(scenario.claim, "It comes back.");
  EXPECT_EQ(scenario.source.provision.dataset, "ecommerce");
  EXPECT_EQ(scenario.source.provision.scale, 1);
  EXPECT_TRUE(scenario.source.provision.checksums);
  EXPECT_FALSE(scenario.source.provision.postgres);
  EXPECT_EQ(scenario.source.load.writers, 4U);
  EXPECT_FALSE(scenario.source.load.rate_per_second);
  EXPECT_FALSE(scenario.objectives.rto);
  EXPECT_FALSE(scenario.objectives.rpo);
}

TEST(ParseScenario, TakesEverythingThatIsSaid) {
  const auto scenario = WrittenScenario(R"(scenario: drill
claim: All of it.
source:
  provision: { dataset: pgbench, scale: 3, checksums: false, postgres: 15, settings: { work_mem: 8MB, jit: off } }
  load: { writers: 7, rate: 250 }
  wal: { by: stream, synchronous: true }
timeline:
  - load: { for: 500ms, keep_running: true }
  - backup: full
  - mark: then
  - disaster: lose_server
restore: { kind: full, target: end_of_wal }
verify: [ledger, content, amcheck, verifybackup, constraints, catalog, sequences, settings]
objectives: { rto: 2min, rpo: 0s }
)")
                            .parse();
  EXPECT_EQ(scenario.source.provision.scale, 3);
  EXPECT_FALSE(scenario.source.provision.checksums);
  EXPECT_EQ(scenario.source.provision.postgres, 15);
  EXPECT_THAT(scenario.source.provision.settings,
              testing::UnorderedElementsAre(testing::Pair("work_mem", "8MB"), testing::Pair("jit", "off")));
  EXPECT_EQ(scenario.source.load.writers, 7U);
  EXPECT_EQ(scenario.source.load.rate_per_second, 250);
  EXPECT_TRUE(scenario.source.wal.synchronous);
  EXPECT_EQ(scenario.verify.size(), 8U);
  EXPECT_EQ(scenario.objectives.rto, Seconds(120));
  EXPECT_EQ(scenario.objectives.rpo, Seconds(0));
}

TEST(ParseScenario, RepeatsAndExtrapolatesAsItIsTold) {
  const auto silent = WrittenScenario(std::string(sound_scenario)).parse();
  EXPECT_EQ(silent.repeat, 1U);
  EXPECT_TRUE(silent.extrapolate_to_bytes.empty());
  const auto said = [](const std::string& more) { return WrittenScenario(std::string(sound_scenario) + more).parse(); };
  EXPECT_EQ(said("repeat: 100\n").repeat, 100U);
  EXPECT_EQ(said("objectives: { at_size: 500GB }\n").extrapolate_to_bytes, std::vector<std::uint64_t>{500'000'000'000});
  EXPECT_EQ(said("objectives: { rto: 1s, at_size: [250 MB, 1.5TB, 1PB] }\n").extrapolate_to_bytes,
            (std::vector<std::uint64_t>{250'000'000, 1'500'000'000'000, 1'000'000'000'000'000}));
}

TEST(ParseScenario, RepeatsARestoreOfOneDatabaseButNoneIntoTheSource) {
  const auto partial = [](const std::string& what, const std::string& more) {
    auto text = with("restore: { kind: pitr, target: { mark: here } }",
                     "restore: { kind: partial, target: { mark: here }, " + what + " }", struck_scenario);
    return with("verify: [ledger, content]", "verify: [content]", text) + more;
  };
  EXPECT_THAT(refusal_of(partial("tables: [shop.orders]", "repeat: 2\n")),
              testing::AllOf(testing::StartsWith("15:9: a restore into the living source cannot be repeated"),
                             testing::HasSubstr("remove \"repeat\"")));
  EXPECT_THAT(refusal_of(partial("tables: [shop.orders]", "objectives: { at_size: 1GB }\n")),
              testing::StartsWith("15:24: what a restore of some tables takes says nothing of a database's size"));
  EXPECT_EQ(refusal_of(partial("tables: [shop.orders]", "repeat: 1\n")), "accepted");
  const auto refused = with("target: end_of_wal }\nverify: [ledger]\n",
                            "target: end_of_wal, expect: { refused: wal_gap } }\nrepeat: 2\n");
  EXPECT_THAT(refusal_of(refused), testing::StartsWith("12:9: a restore that must be refused is not repeated"));
  const auto struck = with("target: end_of_wal }", "target: end_of_wal, struck_by: kill_server }") + "repeat: 2\n";
  EXPECT_THAT(refusal_of(struck), testing::StartsWith("13:9: a restore that is struck by a disaster is not repeated"));
  EXPECT_EQ(refusal_of(partial("database: shop", "repeat: 2\nobjectives: { at_size: 1GB }\n")), "accepted");
}

TEST(ParseScenario, KeepsTheDrillsBackupsInTheClearOrEncrypted) {
  EXPECT_FALSE(WrittenScenario(std::string(sound_scenario)).parse().repository.encrypted);
  const std::string timeline = "timeline:\n", encrypted = "repository: { encrypted: true }\n";
  EXPECT_TRUE(WrittenScenario(with(timeline, encrypted + timeline)).parse().repository.encrypted);
  EXPECT_THAT(refusal_of(with(timeline, "repository: { encrypted: maybe }\n" + timeline)),
              testing::StartsWith("6:26: "));
  EXPECT_THAT(refusal_of(with(timeline, "repository: /srv/backups\n" + timeline)), testing::StartsWith("6:13: "));
  const auto stored =
      refusal_of("scenario: drill\nclaim: It comes back.\nsource: { repository: /srv/backups, cluster: shop }\n" +
                 encrypted + "restore: { kind: full, target: end_of_wal }\nverify: [amcheck]\n");
  EXPECT_THAT(stored, testing::HasSubstr("a stored backup lies in the repository that source names"));
}

TEST(ParseScenario, ProvesItsChecksWhereItSaysSoAndACopyCanBeSabotaged) {
  const std::string timeline = "timeline:\n";
  EXPECT_FALSE(WrittenScenario(std::string(sound_scenario)).parse().prove);
  EXPECT_TRUE(WrittenScenario(with(timeline, "prove: true\n" + timeline)).parse().prove);
  EXPECT_THAT(refusal_of(with(timeline, "prove: yes please\n" + timeline)), testing::StartsWith("6:8: "));
  const auto living = refusal_of(
      "scenario: drill\nclaim: It comes back.\nsource: { provision: { dataset: ecommerce }, wal: { by: stream, "
      "synchronous: "
      "false } "
      "}\nprove: true\ntimeline: [{ backup: full }, { mark: here }, { disaster: { drop_table: shop.orders } }]\n"
      "restore: { kind: partial, target: { mark: here }, tables: [shop.orders] }\nverify: [untouched]\n");
  EXPECT_THAT(living, testing::StartsWith("4:8: a restore into the living source leaves no copy"));
}

TEST(ParseScenario, KeepsTheTimelineInOrderWithThePlaceOfEachStep) {
  const auto steps = WrittenScenario(std::string(sound_scenario)).parse().timeline;
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(std::get<LoadStep>(steps[0].what).duration, Seconds(1));
  EXPECT_FALSE(std::get<LoadStep>(steps[0].what).keep_running);
  EXPECT_EQ(std::get<BackupStep>(steps[1].what).type, BackupType::full);
  EXPECT_EQ(std::get<MarkStep>(steps[2].what).name, "here");
  EXPECT_EQ(std::get<DisasterStep>(steps[3].what).kind, "lose_server");
  EXPECT_EQ(steps[3].position.line, 10);
  EXPECT_EQ(steps[3].position.column, 5);
}

TEST(ParseScenario, IdentifiesTheFileByTheDigestOfItsBytes) {
  const WrittenScenario written{std::string(sound_scenario)};
  EXPECT_EQ(written.parse().digest, backup_engine::base::sha256_hex(backup_engine::base::read_file(written.file())));
}

TEST(ParseScenario, FindsSqlBesideTheFixturesAndBesideTheScenario) {
  const WrittenScenario written(with("[ledger]", "[{ sql: fixtures/checks/shop.sql }, { sql: own.sql }]"));
  const auto own = written.file().parent_path() / "own.sql";
  std::ofstream(own) << "SELECT 1;\n";
  const auto checks = written.parse().verify;
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_EQ(checks[0].sql_file, written.fixtures() / "checks" / "shop.sql");
  EXPECT_EQ(checks[1].sql_file, own);
}

// Reports and evidence name an SQL file by its last name alone: with two, one would be judged by the other's rows.
TEST(ParseScenario, RefusesTwoSqlFilesOfOneName) {
  const WrittenScenario written(with("[ledger]", "[{ sql: fixtures/checks/shop.sql }, { sql: shop.sql }]"));
  std::ofstream(written.file().parent_path() / "shop.sql") << "SELECT 1;\n";
  try {
    (void)written.parse();
    FAIL() << "accepted";
  } catch (const backup_engine::base::Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("sql shop.sql is listed twice"));
  }
}

TEST(ParseScenario, FollowsAnchorsAndAliases) {
  const auto scenario = WrittenScenario(with("  - load: { for: 1s }\n  - backup: full",
                                             "  - load: &slice { for: 2s }\n  - backup: full\n  - load: *slice"))
                            .parse();
  EXPECT_EQ(std::get<LoadStep>(scenario.timeline[2].what).duration, Seconds(2));
}

class Durations : public testing::TestWithParam<std::pair<const char*, double>> {};

TEST_P(Durations, AreANumberWithItsUnit) {
  const auto [text, seconds] = GetParam();
  const auto scenario = WrittenScenario(with("for: 1s", std::string("for: ") + text)).parse();
  EXPECT_DOUBLE_EQ(std::get<LoadStep>(scenario.timeline[0].what).duration.count(), seconds);
}

INSTANTIATE_TEST_SUITE_P(ParseScenario, Durations,
                         testing::Values(std::pair{"500ms", 0.5}, std::pair{"3s", 3.0}, std::pair{"1.5s", 1.5},
                                         std::pair{"2 min", 120.0}, std::pair{"2min", 120.0}, std::pair{"1h", 3600.0}));

TEST(ParseScenario, JudgesContentAtTheBackupsOwnPointByAMarkDirectlyBeforeIt) {
  const auto text = with(R"(  - load: { for: 1s }
  - backup: full
  - mark: here
  - disaster: lose_server
restore: { kind: full, target: end_of_wal }
verify: [ledger])",
                         R"(  - load: { for: 1s }
  - mark: here
  - backup: full
  - load: { for: 1s, keep_running: true }
  - disaster: lose_server
restore: { kind: full, target: immediate }
verify: [ledger, content, catalog])");
  EXPECT_EQ(refusal_of(text), "accepted");
}

TEST(ParseScenario, AcceptsTheOneWhoseObjectiveCannotBeMet) {
  const std::filesystem::path root(tests::source_directory());
  const auto scenario = parse_scenario(root / "tests/scenarios/objective-cannot-be-met.yaml", root / "fixtures");
  EXPECT_EQ(scenario.objectives.rto, Seconds(0.001));
}

}  // namespace
}  // namespace harness::scenario
