// What is read of disasters that leave the server alive, of points in time and of partial restores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/harness/scenario/written_scenario.hpp"

namespace harness::scenario {
namespace {

Scenario struck(std::string_view part, std::string_view replacement) {
  return WrittenScenario(with(part, replacement, struck_scenario)).parse();
}

constexpr auto point = "{ mark: here }";
constexpr auto restore = "{ kind: pitr, target: { mark: here } }";

TEST(ParseRestore, PromotesAtAnInclusivePointUnlessTold) {
  const auto scenario = WrittenScenario(std::string(struck_scenario)).parse();
  EXPECT_EQ(scenario.restore.kind, RestoreKind::pitr);
  EXPECT_EQ(scenario.restore.target, (RestoreTarget{TargetKind::mark, "here", true}));
  EXPECT_EQ(scenario.restore.action, TargetAction::promote);
}

TEST(ParseRestore, ReadsEveryKindOfPoint) {
  using Target = RestoreTarget;
  EXPECT_EQ(struck(point, "{ time: here }").restore.target, (Target{TargetKind::time, "here", true}));
  EXPECT_EQ(struck(point, "{ time: here, inclusive: false }").restore.target,
            (Target{TargetKind::time, "here", false}));
  EXPECT_EQ(struck(point, "{ lsn: here, inclusive: false }").restore.target, (Target{TargetKind::lsn, "here", false}));
  EXPECT_EQ(struck(point, "{ xid: here }").restore.target, (Target{TargetKind::xid, "here", true}));
  EXPECT_EQ(struck(point, "{ xid: disaster, inclusive: false }").restore.target,
            (Target{TargetKind::xid, "disaster", false}));
  const auto named = struck("  - mark: here\n", "  - mark: here\n  - restore_point: there\n  - restore_point: there\n");
  EXPECT_EQ(std::get<RestorePointStep>(named.timeline[5].what).name, "there");
}

TEST(ParseRestore, ReadsTheActionAtTheTarget) {
  EXPECT_EQ(struck(restore, "{ kind: pitr, target: { mark: here }, action: pause }").restore.action,
            TargetAction::pause);
  EXPECT_EQ(struck(restore, "{ kind: pitr, target: { mark: here }, action: shutdown }").restore.action,
            TargetAction::shutdown);
}

TEST(ParseRestore, SweepsAsFarAsTheWalGoesButNotThroughHarm) {
  const auto harmed = struck(restore, "{ kind: pitr_sweep, points: 60 }").restore;
  EXPECT_EQ(harmed.kind, RestoreKind::pitr_sweep);
  EXPECT_EQ(harmed.points, 60);
  EXPECT_EQ(harmed.target, (RestoreTarget{TargetKind::lsn, "disaster", false}));
  const auto lost = struck("  - disaster: { drop_table: shop.orders }\n  - load: { for: 3s }\n" +
                               ("restore: " + std::string(restore)),
                           "  - disaster: lose_server\nrestore: { kind: pitr_sweep, points: 2 }")
                        .restore;
  EXPECT_EQ(lost.target, RestoreTarget{});
  EXPECT_EQ(struck(restore, "{ kind: pitr_sweep, points: 9, target: { mark: here } }").restore.target.point, "here");
}

TEST(ParseRestore, ReadsWhichTablesGoWhere) {
  const auto replaced =
      struck(restore, "{ kind: partial, target: { mark: here }, tables: [shop.orders, shop.payments] }");
  EXPECT_THAT(replaced.restore.partial.tables, testing::ElementsAre("shop.orders", "shop.payments"));
  EXPECT_EQ(replaced.restore.partial.placement, Placement::replace);
  const auto rows = struck(restore,
                           "{ kind: partial, target: { mark: here }, tables: [shop.orders], where: \"order_id < 9\", "
                           "into: beside, suffix: old }")
                        .restore.partial;
  EXPECT_EQ(rows.where, "order_id < 9");
  EXPECT_EQ(rows.placement, Placement::beside);
  EXPECT_EQ(rows.suffix, "old");
}

TEST(ParseRestore, ReadsASchemaOrADatabase) {
  EXPECT_EQ(struck(restore, "{ kind: partial, target: { mark: here }, schema: shop }").restore.partial.schema, "shop");
  EXPECT_EQ(struck(restore, "{ kind: partial, target: { mark: here }, database: shop }").restore.partial.database,
            "shop");
}

TEST(ParseRestore, LetsALostServerComeBackToAPoint) {
  const auto scenario = WrittenScenario(with("restore: { kind: full, target: end_of_wal }",
                                             "restore: { kind: pitr, target: { mark: here }, action: pause }"))
                            .parse();
  EXPECT_EQ(scenario.restore.target.kind, TargetKind::mark);
}

TEST(ParseStep, ReadsHowABackupIsTaken) {
  const auto streamed = struck("backup: full", "backup: { type: full, by: stream }");
  EXPECT_EQ(std::get<BackupStep>(streamed.timeline[1].what).by, BackupMethod::stream);
  const auto read = struck("backup: full", "backup: { type: full }");
  EXPECT_EQ(std::get<BackupStep>(read.timeline[1].what).by, BackupMethod::files);
}

class Disasters : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(Disasters, KeepTheirArgumentAsItIsWritten) {
  const auto [kind, argument] = GetParam();
  const auto written = "{ " + std::string(kind) + ": '" + argument + "' }";
  const auto steps = struck("{ drop_table: shop.orders }", written).timeline;
  const auto& disaster = std::get<DisasterStep>(steps[4].what);
  EXPECT_EQ(disaster.kind, kind);
  EXPECT_EQ(disaster.argument, argument);
}

INSTANTIATE_TEST_SUITE_P(ParseStep, Disasters,
                         testing::Values(std::pair{"drop_table", "shop.Orders"},
                                         std::pair{"delete_rows", "shop.\"Odd name\""},
                                         std::pair{"truncate_table", "shop.payments"},
                                         std::pair{"update_rows", "shop.products SET price = 0, name = 1"},
                                         std::pair{"drop_schema", "audit"},
                                         std::pair{"drop_database", "shop_archive"}));

TEST(ParseStep, LetsMarksAndBackupsFollowADisasterThatTheServerOutlives) {
  EXPECT_EQ(refusal_of(with("  - load: { for: 3s }\n",
                            "  - load: { for: 3s, keep_running: true }\n  - backup: full\n  - mark: later\n  - "
                            "restore_point: last\n",
                            struck_scenario)),
            "accepted");
}

TEST(ParseStep, LetsTheLoadsDatabaseBeDroppedWhenNoLoadNeedsIt) {
  EXPECT_EQ(refusal_of(with("{ drop_table: shop.orders }\n  - load: { for: 3s }\n", "{ drop_database: shop }\n",
                            struck_scenario)),
            "accepted");
}

}  // namespace
}  // namespace harness::scenario
