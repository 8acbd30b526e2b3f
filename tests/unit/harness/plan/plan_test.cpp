#include "harness/plan/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "backup_engine/base/error.hpp"

namespace harness::plan {
namespace {

using testing::HasSubstr;

scenario::Scenario a_scenario() {
  using namespace scenario;
  Scenario result;
  result.file = "scenarios/smoke/drill.yaml";
  result.name = "drill";
  result.claim = "It comes back.";
  result.digest = "abc";
  result.source.provision.dataset = "ecommerce";
  result.source.load.writers = 3;
  result.timeline = {{LoadStep{Seconds(1.5), true}, {}},
                     {BackupStep{}, {}},
                     {MarkStep{"here"}, {}},
                     {DisasterStep{"lose_server", ""}, {}}};
  result.verify = {{CheckKind::ledger, {}}, {CheckKind::content, {}}, {CheckKind::sql, "/x/fixtures/checks/shop.sql"}};
  result.objectives.rto = Seconds(60);
  return result;
}

Circumstances here() {
  Circumstances result;
  result.out = "/somewhere/drills";
  result.postgres_version = "15.18";
  result.seed = 42;
  return result;
}

TEST(MakePlan, NamesTheDrillByScenarioAndUtcStart) {
  const auto plan = make_plan(a_scenario(), here());
  EXPECT_THAT(plan.drill_id, testing::MatchesRegex("drill/[0-9]{8}T[0-9]{6}Z"));
  EXPECT_EQ(plan.drill_directory, std::filesystem::path("/somewhere/drills") / plan.drill_id);
}

TEST(MakePlan, NamesTheDrillByTheClusterThatFilledItToo) {
  auto circumstances = here();
  circumstances.filled_for = "main";
  const auto plan = make_plan(a_scenario(), circumstances);
  EXPECT_THAT(plan.drill_id, testing::MatchesRegex("drill@main/[0-9]{8}T[0-9]{6}Z"));
  EXPECT_THAT(describe(plan), testing::StartsWith("drill@main: It comes back."));
}

TEST(MakePlan, LetsARecoveryTakeLongerThanWasPromised) {
  using std::chrono::seconds;
  auto scenario = a_scenario();
  scenario.objectives.rto = seconds(60);
  EXPECT_EQ(make_plan(scenario, here()).recovery_limit, seconds(600));
  scenario.objectives_by_size[scenario::SizeClass::large].rto = seconds(3600);
  EXPECT_EQ(make_plan(scenario, here()).recovery_limit, seconds(3 * 3600));
  scenario.source.stored.emplace();
  EXPECT_EQ(make_plan(scenario, here()).recovery_limit, seconds(24 * 3600));
  scenario.objectives.rto = seconds(1'000'000'000'000);
  EXPECT_EQ(make_plan(scenario, here()).recovery_limit, seconds(30 * 24 * 3600));
}

TEST(VariablesOfPlan, AreThoseThatFilledTheScenario) {
  auto scenario = a_scenario();
  scenario.variables = {{"cluster", "main"}, {"rto", "1h"}};
  EXPECT_EQ(variables_of_plan(to_json(make_plan(scenario, here()))).values, scenario.variables);
}

TEST(VariablesOfPlan, AreNoneInAPlanOfOldAndRefusedInADamagedOne) {
  EXPECT_TRUE(variables_of_plan("{}").values.empty());
  EXPECT_THROW(static_cast<void>(variables_of_plan("{\"scenario\": {\"variables\": 7}}")), backup_engine::base::Error);
}

TEST(MakePlan, PlacesTheDrillBelowTheCurrentDirectoryWhenOutIsRelative) {
  auto circumstances = here();
  circumstances.out = "./drills";
  const auto plan = make_plan(a_scenario(), circumstances);
  EXPECT_EQ(plan.drill_directory, std::filesystem::current_path() / "drills" / plan.drill_id);
}

TEST(MakePlan, RunsTheSourceDurably) {
  const auto settings = make_plan(a_scenario(), here()).server_settings;
  EXPECT_EQ(settings.at("fsync"), "on");
  EXPECT_EQ(settings.at("full_page_writes"), "on");
  EXPECT_EQ(settings.at("wal_level"), "replica");
  EXPECT_EQ(settings.at("track_commit_timestamp"), "on");
}

TEST(MakePlan, WaitsForTheReceiverOnlyWhenWalLeavesSynchronously) {
  auto scenario = a_scenario();
  EXPECT_EQ(make_plan(scenario, here()).server_settings.at("synchronous_standby_names"), "");
  scenario.source.wal.synchronous = true;
  const auto plan = make_plan(scenario, here());
  EXPECT_EQ(plan.server_settings.at("synchronous_standby_names"), plan.slot);
}

TEST(MakePlan, LetsTheScenarioAddAndChangeSettings) {
  auto scenario = a_scenario();
  scenario.source.provision.settings = {{"work_mem", "8MB"}, {"shared_buffers", "64MB"}};
  const auto settings = make_plan(scenario, here()).server_settings;
  EXPECT_EQ(settings.at("work_mem"), "8MB");
  EXPECT_EQ(settings.at("shared_buffers"), "64MB");
}

TEST(MakePlan, LetsTheSourceArchiveWhereItsWalLeavesThatWay) {
  auto scenario = a_scenario();
  EXPECT_EQ(make_plan(scenario, here()).server_settings.at("archive_mode"), "off");
  scenario.source.wal.by = scenario::WalTransport::archive;
  const auto plan = make_plan(scenario, here());
  EXPECT_EQ(plan.server_settings.at("archive_mode"), "on");
  EXPECT_THAT(describe(plan), HasSubstr("2. let it archive its WAL by archive_command"));
}

TEST(MakePlan, KeepsTheWalWellBelowADiskThatWillBeFilled) {
  auto scenario = a_scenario();
  EXPECT_FALSE(make_plan(scenario, here()).server_settings.contains("max_wal_size"));
  EXPECT_EQ(step_that_fills_disk(scenario), nullptr);
  scenario.timeline.back().what = scenario::DisasterStep{"fill_disk", ""};
  const auto plan = make_plan(scenario, here());
  EXPECT_EQ(plan.server_settings.at("max_wal_size"), "128MB");
  EXPECT_EQ(step_that_fills_disk(scenario), &scenario.timeline.back());
  EXPECT_THAT(describe(plan), testing::AllOf(HasSubstr("its WAL on a file system of its own in memory, 268.4 MB"),
                                             HasSubstr("disaster: fill_disk (nothing fits on the disk of its WAL")));
}

TEST(MakePlan, LeavesConnectionsBesideTheWriters) {
  auto scenario = a_scenario();
  scenario.source.load.writers = 200;
  EXPECT_EQ(make_plan(scenario, here()).server_settings.at("max_connections"), "220");
}

TEST(PlanToJson, HoldsEverythingThatDecidesTheDrill) {
  const auto plan = make_plan(a_scenario(), here());
  const auto json = nlohmann::json::parse(to_json(plan));
  EXPECT_EQ(json.at("schema_version"), plan_schema_version);
  EXPECT_EQ(json.at("drill_id"), plan.drill_id);
  EXPECT_EQ(json.at("seed"), 42);
  EXPECT_EQ(json.at("scenario").at("source").at("load").at("writers"), 3);
  EXPECT_EQ(json.at("scenario").at("source").at("load").at("rate_per_second"), nullptr);
  EXPECT_EQ(json.at("scenario").at("timeline").size(), 4U);
  EXPECT_EQ(json.at("scenario").at("timeline").at(0).at("keep_running"), true);
  EXPECT_EQ(json.at("scenario").at("verify").at(2).at("sql_file"), "/x/fixtures/checks/shop.sql");
  EXPECT_EQ(json.at("scenario").at("prove"), false);
  EXPECT_EQ(json.at("scenario").at("objectives").at("rto_seconds"), 60);
  EXPECT_EQ(json.at("scenario").at("objectives").at("rpo_seconds"), nullptr);
  EXPECT_EQ(json.at("server_settings").at("fsync"), "on");
}

TEST(MakePlan, CarriesWhyThisMachineCannotConductIt) {
  const auto obstacle_of = [](const Plan& plan) {
    return nlohmann::json::parse(to_json(plan)).at("circumstances").at("obstacle");
  };
  EXPECT_EQ(obstacle_of(make_plan(a_scenario(), here())), nullptr);
  EXPECT_THAT(describe(make_plan(a_scenario(), here())), testing::Not(HasSubstr("not to be begun")));
  auto circumstances = here();
  circumstances.obstacle = Obstacle{"no disk to fill", "lend it one"};
  const auto plan = make_plan(a_scenario(), circumstances);
  EXPECT_EQ(obstacle_of(plan), (nlohmann::json{{"what", "no disk to fill"}, {"remedy", "lend it one"}}));
  EXPECT_THAT(describe(plan),
              HasSubstr("not to be begun on this machine: no disk to fill\n  what to do: lend it one\n"));
}

TEST(DescribePlan, SaysThatTheChecksAreProven) {
  auto scenario = a_scenario();
  EXPECT_THAT(describe(make_plan(scenario, here())), testing::Not(HasSubstr("sabotage")));
  scenario.prove = true;
  EXPECT_THAT(describe(make_plan(scenario, here())), HasSubstr("9. prove that these checks can fail"));
}

scenario::Scenario a_partial_scenario() {
  using namespace scenario;
  auto result = a_scenario();
  result.timeline = {{BackupStep{BackupType::full, BackupMethod::stream}, {}},
                     {MarkStep{"here"}, {}},
                     {RestorePointStep{"there"}, {}},
                     {DisasterStep{"update_rows", "shop.products SET price = 0"}, {}}};
  result.restore.kind = RestoreKind::partial;
  result.restore.target = {TargetKind::time, "here", false};
  result.restore.partial.tables = {"shop.products"};
  result.restore.partial.where = "price > 9";
  result.restore.partial.placement = Placement::beside;
  return result;
}

TEST(PlanToJson, SaysHowEachBackupIsTaken) {
  const auto timeline =
      nlohmann::json::parse(to_json(make_plan(a_partial_scenario(), here()))).at("scenario").at("timeline");
  EXPECT_EQ(timeline.at(0), (nlohmann::json{{"step", "backup"}, {"type", "full"}, {"by", "stream"}}));
  EXPECT_EQ(timeline.at(2), (nlohmann::json{{"step", "restore_point"}, {"name", "there"}}));
}

TEST(PlanToJson, HoldsTheTargetAndWhatIsRestored) {
  const auto whole = nlohmann::json::parse(to_json(make_plan(a_scenario(), here()))).at("scenario").at("restore");
  EXPECT_EQ(whole,
            nlohmann::json::parse(R"({"kind": "full", "target": {"kind": "end_of_wal", "point": "", "inclusive": true},
                                             "action": "promote", "expect": {"outcome": "recovered", "reason": ""},
                                             "in_place": false, "roll_back": false, "struck_by": null, "points": null,
                                             "partial": null,
                                             "judged_at_mark": "here"})"));
  const auto part =
      nlohmann::json::parse(to_json(make_plan(a_partial_scenario(), here()))).at("scenario").at("restore");
  EXPECT_EQ(part.at("target"), nlohmann::json::parse(R"({"kind": "time", "point": "here", "inclusive": false})"));
  EXPECT_EQ(part.at("partial"),
            nlohmann::json::parse(R"({"tables": ["shop.products"], "schema": "", "database": "", "where": "price > 9",
                                      "into": "beside", "suffix": "restored"})"));
}

TEST(PlanToJson, HoldsHowManyPointsASweepJudges) {
  auto scenario = a_scenario();
  scenario.restore.kind = scenario::RestoreKind::pitr_sweep;
  scenario.restore.points = 60;
  const auto json = nlohmann::json::parse(to_json(make_plan(scenario, here()))).at("scenario").at("restore");
  EXPECT_EQ(json.at("kind"), "pitr_sweep");
  EXPECT_EQ(json.at("points"), 60);
}

std::string restore_line(const scenario::Restore& restore) {
  auto scenario = a_partial_scenario();
  scenario.restore = restore;
  const auto text = describe(make_plan(scenario, here()));
  const auto at = text.find("restore: ");
  return text.substr(at, text.find('\n', at) - at);
}

TEST(DescribePlan, SaysWhereRecoveryStopsAndWhatHappensThere) {
  using namespace scenario;
  Restore restore;
  restore.kind = RestoreKind::pitr;
  restore.target = {TargetKind::mark, "here", true};
  EXPECT_EQ(restore_line(restore),
            "restore: pitr, to the mark \"here\", then promote; content is judged at mark \"here\"");
  restore.target = {TargetKind::xid, "disaster", false};
  restore.action = TargetAction::pause;
  EXPECT_EQ(restore_line(restore),
            "restore: pitr, to the transaction of the disaster, just before it, then pause; content is judged at mark "
            "\"here\"");
  restore.kind = RestoreKind::pitr_sweep;
  restore.points = 60;
  restore.target = {};
  EXPECT_EQ(
      restore_line(restore),
      "restore: pitr_sweep, to the end of the WAL in the repository, then 60 points of the WAL one after another in "
      "one recovery, and each kind of target around commits of their own; content is judged at mark \"here\"");
  restore.kind = RestoreKind::pitr;
  restore.target = {TargetKind::lsn, "here", true};
  EXPECT_EQ(restore_line(restore), "restore: pitr, to the LSN of \"here\", including it, then pause");
  restore.target = {TargetKind::name, "there", true};
  restore.action = TargetAction::shutdown;
  EXPECT_EQ(restore_line(restore),
            "restore: pitr, to the first restore point \"there\", then shutdown; content is judged at mark \"here\"");
}

TEST(DescribePlan, SaysThatARestoreGoesInPlaceAndIsTakenBack) {
  using namespace scenario;
  Restore restore;
  restore.kind = RestoreKind::pitr;
  restore.target = {TargetKind::mark, "here", true};
  restore.in_place = true;
  EXPECT_THAT(restore_line(restore), HasSubstr("then promote, in place of the source, whose cluster is set aside;"));
  EXPECT_THAT(restore_line(restore), testing::Not(HasSubstr("put back")));
  restore.roll_back = true;
  EXPECT_THAT(restore_line(restore), HasSubstr("; it is put back once what was restored is judged"));
}

TEST(DescribePlan, SaysWhatStrikesTheRestore) {
  scenario::Restore restore;
  restore.struck_by = scenario::SecondDisaster::kill_restore;
  EXPECT_THAT(restore_line(restore), HasSubstr("; half-way the restore is killed, and begun again"));
  restore.struck_by = scenario::SecondDisaster::kill_server;
  EXPECT_THAT(restore_line(restore), HasSubstr("; while it recovers the server is killed"));
}

TEST(DescribePlan, SaysWhatAPartialRestorePutsWhere) {
  using namespace scenario;
  auto restore = a_partial_scenario().restore;
  EXPECT_EQ(restore_line(restore),
            "restore: partial, shop.products (rows WHERE price > 9), into the living source, beside what is there, as "
            "NAME_restored, to the time of \"here\", just before it; content is judged at mark \"here\"");
  restore.partial = {};
  restore.partial.schema = "shop";
  EXPECT_THAT(restore_line(restore),
              HasSubstr("partial, schema shop, into the living source, in place of what is there"));
  restore.partial = {};
  restore.partial.database = "shop_archive";
  EXPECT_THAT(restore_line(restore), HasSubstr("partial, database shop_archive alone, into a new server, to the time"));
}

TEST(DescribePlan, SaysWhatADisasterStrikes) {
  EXPECT_THAT(describe(make_plan(a_partial_scenario(), here())),
              testing::AllOf(HasSubstr("backup: full, streamed over a replication connection"),
                             HasSubstr("disaster: update_rows: UPDATE shop.products SET price = 0, without a WHERE")));
}

TEST(DescribePlan, SaysWhatEachDisasterHarmsAndWhatMustComeOfTheRestore) {
  auto scenario = a_scenario();
  scenario.verify.clear();
  scenario.restore.expected_refusal = "wal_gap";
  scenario.timeline.back().what = scenario::DisasterStep{"corrupt_page", "shop.orders", true};
  scenario.timeline.push_back({scenario::DisasterStep{"encrypt_files", "", false, 2}, {}});
  scenario.timeline.push_back({scenario::DisasterStep{"lose_segment", "here"}, {}});
  const auto plan = make_plan(scenario, here());
  EXPECT_THAT(describe(plan),
              testing::AllOf(HasSubstr("corrupt_page shop.orders (SIGKILL, then a bit of a page flips, its checksum "
                                       "made to match)"),
                             HasSubstr("of the repository the newest backups too, 2)"),
                             HasSubstr("lose_segment, in the repository: the WAL that holds \"here\""),
                             HasSubstr("; it must be refused: wal_gap"), HasSubstr("verify: the outcome alone")));
  const auto json = nlohmann::json::parse(to_json(plan))["scenario"];
  EXPECT_EQ(json["restore"]["expect"], nlohmann::json({{"outcome", "refused"}, {"reason", "wal_gap"}}));
  EXPECT_EQ(json["timeline"][3]["checksum"], "recomputed");
  EXPECT_EQ(json["timeline"][4]["newest_backups"], 2);
}

TEST(DescribePlan, SaysThatTheRepositoryIsEncrypted) {
  auto scenario = a_scenario();
  EXPECT_THAT(describe(make_plan(scenario, here())), testing::Not(HasSubstr("encrypted")));
  scenario.repository.encrypted = true;
  const auto plan = make_plan(scenario, here());
  EXPECT_THAT(describe(plan), HasSubstr("make an encrypted repository, and a key file for it"));
  EXPECT_EQ(nlohmann::json::parse(to_json(plan))["scenario"]["repository"]["encrypted"], true);
}

TEST(DescribePlan, SaysHowOftenItRestoresAndWhatItExtrapolatesTo) {
  auto scenario = a_scenario();
  EXPECT_THAT(describe(make_plan(scenario, here())), testing::Not(HasSubstr("times for the clock")));
  scenario.repeat = 5;
  scenario.extrapolate_to_bytes = {500'000'000'000};
  const auto plan = make_plan(scenario, here());
  EXPECT_THAT(describe(plan), testing::AllOf(HasSubstr("; 5 times for the clock, the last is examined"),
                                             HasSubstr("; RTO extrapolated to 500.0 GB, not judged")));
  const auto json = nlohmann::json::parse(to_json(plan))["scenario"];
  EXPECT_EQ(json["repeat"], 5);
  EXPECT_EQ(json["objectives"]["at_size_bytes"], (nlohmann::json{500'000'000'000}));
}

TEST(DescribePlan, TellsTheStepsInTheirOrder) {
  const auto text = describe(make_plan(a_scenario(), here()));
  std::size_t at = 0;
  for (const auto* const words :
       {"drill: It comes back.", "1. provision a source: PostgreSQL 15.18, dataset ecommerce at scale 1", "seed 42",
        "2. receive its WAL by stream", "asynchronously", "3. load: 3 writers", "for 1.5 s, then on behind",
        "4. backup: full", "5. mark \"here\"", "6. disaster: lose_server", "7. restore: full, to the end of the WAL",
        "8. verify: ledger, content, sql (shop.sql)", "objectives: RTO 60 s, RPO none",
        "drill directory: /somewhere/drills/drill/"}) {
    const auto found = text.find(words, at);
    ASSERT_NE(found, std::string::npos) << words << " is not, or not in its place, in\n" << text;
    at = found;
  }
}

}  // namespace
}  // namespace harness::plan
