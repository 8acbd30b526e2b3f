// Scenarios over a backup that exists: what they say, and what they may not ask for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/harness/scenario/written_scenario.hpp"

namespace harness::scenario {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view stored_scenario = R"(scenario: drill
claim: It comes back.
source: { repository: /srv/backups, cluster: shop }
restore: { kind: full, target: end_of_wal }
verify: [page_checksums, amcheck]
)";

std::string stored(std::string_view part, std::string_view replacement) {
  return refusal_of(with(part, replacement, stored_scenario));
}

Scenario parsed(const std::string& text) {
  return WrittenScenario(text).parse();
}

TEST(StoredBackupScenario, TakesTheNewestBackupUnlessOneIsNamed) {
  const auto scenario = parsed(std::string(stored_scenario));
  ASSERT_TRUE(scenario.source.stored);
  EXPECT_EQ(scenario.source.stored->location, "/srv/backups");
  EXPECT_EQ(scenario.source.stored->cluster, "shop");
  EXPECT_EQ(scenario.source.stored->label, "");
  EXPECT_TRUE(scenario.timeline.empty());
  EXPECT_EQ(parsed(with("shop }", "shop, backup: latest }", stored_scenario)).source.stored->label, "");
}

TEST(StoredBackupScenario, SaysWhichBackupAndHowToOpenAndReachIt) {
  const auto scenario =
      parsed(with("shop }", "shop, backup: 20261120T021500Z-full, key_file: /etc/key, database: crm, superuser: root }",
                  stored_scenario));
  const auto& backup = *scenario.source.stored;
  EXPECT_EQ(backup.label, "20261120T021500Z-full");
  EXPECT_EQ(backup.key_file, "/etc/key");
  EXPECT_EQ(backup.database, "crm");
  EXPECT_EQ(backup.superuser, "root");
}

TEST(StoredBackupScenario, NamesItsTargetByValue) {
  const auto target = [](const std::string& text) {
    return parsed(with("kind: full, target: end_of_wal", "kind: pitr, target: " + text, stored_scenario))
        .restore.target;
  };
  EXPECT_EQ(target("{ time: 2026-11-20T02:15:00Z, inclusive: false }"),
            (RestoreTarget{TargetKind::time, "2026-11-20T02:15:00Z", false}));
  EXPECT_EQ(target("{ lsn: 16/B374D848 }"), (RestoreTarget{TargetKind::lsn, "16/B374D848", true}));
  EXPECT_EQ(target("{ xid: 747 }"), (RestoreTarget{TargetKind::xid, "747", true}));
  EXPECT_EQ(target("{ name: Before The Release }"), (RestoreTarget{TargetKind::name, "Before The Release", true}));
  EXPECT_EQ(target("immediate").kind, TargetKind::immediate);
}

TEST(StoredBackupScenario, RefusesATargetThatIsNoValue) {
  const auto target = [](const std::string& text) {
    return stored("kind: full, target: end_of_wal", "kind: pitr, target: " + text);
  };
  EXPECT_THAT(target("{ time: yesterday }"), StartsWith("4:40: \"yesterday\" is no time in UTC | write it as 2026-"));
  EXPECT_THAT(target("{ lsn: here }"), StartsWith("4:39: \"here\" is no LSN"));
  EXPECT_THAT(target("{ xid: -1 }"), StartsWith("4:39: \"-1\" is no transaction id"));
  EXPECT_THAT(target("{ mark: here }"), StartsWith("4:40: a stored backup has no marks"));
  EXPECT_THAT(target("{ name: " + std::string(64, 'n') + " }"), HasSubstr("is no name of a restore point"));
}

TEST(StoredBackupScenario, RefusesADisasterAndAnyOtherTimelineAtItsPlace) {
  EXPECT_THAT(stored("restore:", "timeline:\n  - load: { for: 1s }\n  - disaster: lose_server\nrestore:"),
              StartsWith("6:5: no disaster can strike a stored backup"));
  EXPECT_THAT(stored("restore:", "timeline:\n  - backup: full\nrestore:"),
              StartsWith("5:3: a stored backup has no timeline"));
}

TEST(StoredBackupScenario, RefusesAProvisionedSourceBesideIt) {
  EXPECT_THAT(stored("shop }", "shop, provision: { dataset: ecommerce } }"),
              StartsWith("3:63: a source is provisioned or a stored backup, not both"));
  EXPECT_THAT(stored("shop }", "shop, wal: { by: stream } }"), StartsWith("3:52: unknown key of source \"wal\""));
}

TEST(StoredBackupScenario, RefusesChecksWithoutAWitnessAtTheirPlace) {
  EXPECT_THAT(stored("amcheck", "ledger"), StartsWith("5:26: the check ledger needs the ledger of a load"));
  EXPECT_THAT(stored("amcheck", "content"), StartsWith("5:26: the check content compares with a mark"));
  EXPECT_THAT(stored("amcheck", "untouched"), StartsWith("5:26: the check untouched compares the living server"));
  EXPECT_EQ(
      stored("amcheck", "verifybackup, constraints, catalog, sequences, settings, { sql: fixtures/checks/shop.sql }"),
      "accepted");
}

TEST(StoredBackupScenario, RestoresOneDatabaseAndNoTables) {
  EXPECT_THAT(stored("kind: full", "kind: partial, tables: [shop.orders]"),
              StartsWith("4:35: tables are restored into the server that lives on"));
  EXPECT_EQ(stored("kind: full", "kind: partial, database: shop"), "accepted");
  EXPECT_THAT(
      refusal_of(with("amcheck", "verifybackup", with("kind: full", "kind: partial, database: shop", stored_scenario))),
      StartsWith("5:26: the check verifybackup needs every file"));
  EXPECT_THAT(refusal_of(with("amcheck", "{ sql: fixtures/checks/shop.sql }",
                              with("kind: full", "kind: partial, database: shop", stored_scenario))),
              StartsWith("5:26: the check sql reads the database postgres, and only shop is restored"));
}

TEST(StoredBackupScenario, PromisesNoLossThatNobodyCouldMeasure) {
  const std::string text(stored_scenario);
  EXPECT_EQ(refusal_of(text + "objectives: { rto: 60s }\n"), "accepted");
  EXPECT_THAT(refusal_of(text + "objectives: { rto: 60s, rpo: 0s }\n"), StartsWith("6:30: of a stored backup no loss"));
  EXPECT_THAT(refusal_of(text + "objectives: { small: { rpo: 0s } }\n"),
              StartsWith("6:29: of a stored backup no loss"));
}

TEST(Objectives, OfASizeClassReplaceThoseOfAllSizes) {
  const auto scenario =
      parsed(std::string(sound_scenario) +
             "objectives: { rto: 60s, rpo: 5s, small: { rto: 30s }, large: { rto: 3h, rpo: 24h } }\n");
  EXPECT_EQ(objectives_for(scenario, SizeClass::small).rto, Seconds(30));
  EXPECT_EQ(objectives_for(scenario, SizeClass::small).rpo, Seconds(5));
  EXPECT_EQ(objectives_for(scenario, SizeClass::medium).rto, Seconds(60));
  EXPECT_EQ(objectives_for(scenario, SizeClass::large).rpo, Seconds(24 * 3600));
  EXPECT_EQ(objectives_for(scenario, std::nullopt).rto, Seconds(60));
}

TEST(SizeClass, ChangesAtOneAndBehindTenGigabytes) {
  EXPECT_EQ(size_class_of(999'999'999), SizeClass::small);
  EXPECT_EQ(size_class_of(1'000'000'000), SizeClass::medium);
  EXPECT_EQ(size_class_of(10'000'000'000), SizeClass::medium);
  EXPECT_EQ(size_class_of(10'000'000'001), SizeClass::large);
}

}  // namespace
}  // namespace harness::scenario
