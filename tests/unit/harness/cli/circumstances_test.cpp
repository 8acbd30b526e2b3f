#include "harness/cli/circumstances.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto sound =
    "scenario: drill\nclaim: c\nsource:\n  provision: { dataset: pgbench }\n"
    "  wal: { by: stream, synchronous: false }\n"
    "timeline: [load: { for: 1s }, backup: full, disaster: lose_server]\n"
    "restore: { kind: full, target: end_of_wal }\nverify: [ledger]\n";

// Their drill directories begin with the name: the second would find its directory there, after the first had run.
TEST(ParseScenarios, RefusesTwoOfOneName) {
  const backup_engine::base::TemporaryDirectory directory("/var/tmp", "lifeboat-cli");
  fs::create_directories(directory.path() / "fixtures" / "datasets" / "pgbench");
  std::vector<fs::path> named;
  for (const auto* folder : {"smoke", "nightly"}) {
    fs::create_directories(directory.path() / folder);
    named.push_back(directory.path() / folder / "drill.yaml");
    std::ofstream(named.back()) << sound;
  }
  EXPECT_EQ(parse_scenarios({named[0]}).size(), 1U);
  try {
    (void)parse_scenarios(named);
    FAIL() << "accepted";
  } catch (const backup_engine::base::Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("two scenarios of this run are named drill"));
  }
}

TEST(UnfillableDisk, SaysWhereWhyAndWhatToDo) {
  scenario::Scenario scenario;
  scenario.file = "nightly/full.yaml";
  scenario.timeline = {{scenario::DisasterStep{"lose_server", ""}, {9, 3}}};
  EXPECT_FALSE(unfillable_disk(scenario, "Operation not permitted"));
  scenario.timeline.push_back({scenario::DisasterStep{"fill_disk", ""}, {10, 5}});
  EXPECT_FALSE(unfillable_disk(scenario, ""));
  const auto obstacle = unfillable_disk(scenario, "Operation not permitted");
  ASSERT_TRUE(obstacle);
  EXPECT_THAT(obstacle->what, testing::AllOf(testing::StartsWith("nightly/full.yaml:10:5: fill_disk"),
                                             testing::HasSubstr("Operation not permitted")));
  EXPECT_THAT(obstacle->remedy, testing::HasSubstr("as root"));
}

class ParseFilledScenarios : public testing::Test {
 protected:
  ParseFilledScenarios() {
    fs::create_directories(directory_.path() / "fixtures" / "datasets" / "pgbench");
    for (const auto* const cluster : {"main", "crm"}) {
      Filling filling;
      filling.cluster = cluster;
      filling.variables.values["cluster"] = cluster;
      both_.push_back(filling);
    }
  }
  fs::path written(const std::string& name, const std::string& claim) const {
    const auto file = directory_.path() / (name + ".yaml");
    auto text = std::string(sound);
    text.replace(text.find("drill"), 5, name);
    std::ofstream(file) << text.replace(text.find("claim: c"), 8, "claim: " + claim);
    return file;
  }

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-cli"};
  std::vector<Filling> both_;
};

TEST_F(ParseFilledScenarios, MakesADrillOfEachScenarioAndCluster) {
  const auto scenarios = parse_scenarios({written("one", "${cluster}"), written("two", "of ${cluster}")}, both_);
  std::vector<std::string> made;
  for (const auto& [scenario, filled_for] : scenarios) {
    made.push_back(scenario.name + "@" + filled_for + ": " + scenario.claim);
  }
  EXPECT_THAT(made, testing::ElementsAre("one@main: main", "one@crm: crm", "two@main: of main", "two@crm: of crm"));
}

TEST_F(ParseFilledScenarios, TakesAScenarioWithoutVariablesOnce) {
  const auto scenarios = parse_scenarios({written("one", "c"), written("two", "${cluster}")}, both_);
  ASSERT_EQ(scenarios.size(), 3U);
  EXPECT_EQ(scenarios[0].filled_for, "");
}

TEST_F(ParseFilledScenarios, RefusesClustersThatNoScenarioAsksFor) {
  try {
    (void)parse_scenarios({written("one", "c")}, both_);
    FAIL() << "accepted";
  } catch (const backup_engine::base::Error& error) {
    EXPECT_EQ(error.kind(), backup_engine::base::ErrorKind::usage);
    EXPECT_THAT(error.what(), testing::HasSubstr("no scenario of this run has a variable"));
  }
}

TEST_F(ParseFilledScenarios, RefusesAVariableThatNobodyFills) {
  try {
    (void)parse_scenarios({written("one", "${cluster}")});
    FAIL() << "accepted";
  } catch (const backup_engine::base::Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(":2:8: the variable cluster has no value"));
  }
}

}  // namespace
}  // namespace harness::cli
