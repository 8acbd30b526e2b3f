// lifeboat.yaml as its users meet it: verbs that name a cluster and nothing else, drills of several clusters, and what
// is refused.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "reports/record/report.hpp"
#include "tests/pg/drill/lifeboat_command.hpp"
#include "tests/pg/server/operated_cluster.hpp"
#include "tests/support/places.hpp"

namespace harness::drill {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int failed = 1, unknown = 2, usage = 3;

class ConfiguredOperator : public server::OperatedCluster {
 protected:
  ConfiguredOperator() {
    EXPECT_EQ(lifeboat({"repo", "new-key", path("key")}).code, 0);
    EXPECT_EQ(lifeboat({"repo", "init", "--repo", path("repository"), "--key-file", path("key")}).code, 0);
    configure(fmt::format(R"(defaults:
  repository: repository
  key_file: key
  slot: lifeboat
  objectives: {{ rto: 2h, small: {{ rto: 110s }} }}
clusters:
  shop:
    connection: {}
    pgdata: data
)",
                          source_.conninfo()));
  }

  void configure(const std::string& text) const {
    std::ofstream(path("lifeboat.yaml")) << text;
    fs::permissions(path("lifeboat.yaml"), fs::perms(0644));
  }
  // Where lifeboat.yaml lies, which says the rest.
  [[nodiscard]] process::Subprocess receiving() const {
    return server::OperatedCluster::receiving({"--cluster", "shop", "--create-slot"});
  }

  [[nodiscard]] static std::string bin_directory() { return server::test_installation().bin_directory; }
};

TEST_F(ConfiguredOperator, NamesTheClusterAndNothingElse) {
  const auto receiver = receiving();
  const auto taken = lifeboat_ok({"backup", "--cluster", "shop", "--progress", "none"});
  EXPECT_THAT(taken, HasSubstr("-full: "));
  EXPECT_THAT(lifeboat_ok({"list"}), HasSubstr("shop"));
  EXPECT_THAT(lifeboat_ok({"list", "--json"}), HasSubstr("\"source\": \"files\"")) << "pgdata was not used";
  EXPECT_THAT(lifeboat_ok({"verify", "--cluster", "shop"}), HasSubstr("-full"));
  EXPECT_THAT(lifeboat_ok({"expire", "--keep-full", "1"}), HasSubstr("keep "));
  lifeboat_ok({"restore", "--cluster", "shop", "--to", path("restored"), "--target-immediate", "--progress", "none"});
  EXPECT_TRUE(fs::exists(path("restored/PG_VERSION")));
}

TEST_F(ConfiguredOperator, SaysWhatCanBeRecoveredWhenTheServerIsGone) {
  const auto receiver = receiving();
  lifeboat_ok({"backup", "--cluster", "shop", "--progress", "none"});
  EXPECT_EQ(lifeboat({"wal", "check", "--cluster", "shop"}).words.find("the server was not looked at"),
            std::string::npos);
  source_.kill();
  const auto ended = lifeboat({"wal", "check", "--cluster", "shop"});
  EXPECT_EQ(ended.code, unknown) << ended.words;
  EXPECT_THAT(ended.words, AllOf(HasSubstr("the server was not looked at"), HasSubstr("-full  recoverable to")));
}

// What ships for all clusters, on an encrypted repository.
TEST_F(ConfiguredOperator, DrillsTheNewestBackupOfEveryCluster) {
  source_.connect().execute(
      "CREATE TABLE boats (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);"
      "INSERT INTO boats (name) VALUES ('Ada')");
  {
    const auto receiver = receiving();
    lifeboat_ok({"backup", "--cluster", "shop", "--progress", "none"});
  }
  process::Command run;
  run.program = tests::lifeboat_program();
  run.arguments = {"run",
                   source_path("scenarios/quarterly"),
                   "--all-clusters",
                   "--config",
                   path("lifeboat.yaml"),
                   "--out",
                   path("drills"),
                   "--pg-bindir",
                   bin_directory(),
                   "--progress",
                   "none"};
  const auto done = process::run(run, base::Deadline::after(std::chrono::minutes(4)));
  EXPECT_EQ(done.status.code, 0) << done.output;
  EXPECT_THAT(done.output, HasSubstr("newest-backup@shop"));
  const auto report = reports::record::read_report(path("drills/newest-backup@shop/latest/report.json"));
  EXPECT_EQ(report.verdict, reports::record::Verdict::pass);
  EXPECT_THAT(report.scenario.claim, testing::StartsWith("The newest backup of shop comes back whole"));
  EXPECT_EQ(report.restores.at(0).rto.objective_seconds, 110) << "it is a small database";
  EXPECT_THAT(lifeboat_ok({"list", "--cluster", "shop"}), HasSubstr("drill"));
}

TEST_F(ConfiguredOperator, IsToldWhatIsWrongBeforeAnythingIsDone) {
  const auto refused = [this](const std::vector<std::string>& arguments) {
    const auto ended = lifeboat(arguments);
    EXPECT_EQ(ended.code, usage) << ended.words;
    EXPECT_THAT(ended.words, HasSubstr("what to do: "));
    return ended.words;
  };
  EXPECT_THAT(refused({"backup", "--cluster", "shoop"}),
              AllOf(HasSubstr("knows no cluster shoop"), HasSubstr("did you mean \"shop\"?")));
  EXPECT_THAT(refused({"list", "--config", "elsewhere.yaml"}), HasSubstr("there is no configuration elsewhere.yaml"));

  // As whoever opens the repository judges it.
  fs::permissions(path("key"), fs::perms(0644));
  EXPECT_THAT(refused({"list"}), HasSubstr("others than its owner can use the key file"));
  EXPECT_THAT(lifeboat({"doctor"}).words, AllOf(HasSubstr("lifeboat.yaml: sound; clusters: shop"),
                                                HasSubstr("wrong    key file of shop: others than its owner")));
  fs::permissions(path("key"), fs::perms(0600));

  configure("clusters: { shop: { repository: repository, connection: host=/s password=hunter2 } }");
  EXPECT_THAT(refused({"list"}), AllOf(HasSubstr("lifeboat.yaml:1:57: the connection string holds a password"),
                                       Not(HasSubstr("hunter2"))));
  const auto examined = lifeboat({"doctor"});
  EXPECT_EQ(examined.code, usage);
  EXPECT_THAT(examined.words, HasSubstr("wrong    configuration: "));
  configure("clusters: { shop: { repository: repository }, shop: { repository: repository } }");
  EXPECT_THAT(refused({"list"}), HasSubstr("has the key \"shop\" twice"));
  fs::permissions(path("lifeboat.yaml"), fs::perms(0));  // of root, who wrote it
  EXPECT_THAT(refused({"list"}), HasSubstr("the configuration cannot be read"));
  const auto fetched = lifeboat({"wal", "fetch", "--cluster", "shop", "000000010000000000000001", "here"});
  EXPECT_GT(fetched.code, 125) << "recovery would take it for the end of WAL";
  fs::remove(path("lifeboat.yaml"));
  EXPECT_THAT(refused({"list"}), HasSubstr("--repo was not given, and there is no lifeboat.yaml"));
  EXPECT_THAT(lifeboat({"doctor"}).words, HasSubstr("configuration: none"));
}

class DrillsOfClusters : public LifeboatCommand {
 protected:
  DrillsOfClusters() {
    std::ofstream(path("lifeboat.yaml")) << R"(clusters:
  main:
    repository: /nowhere
    objectives: { rto: 2min }
    contacts: [{ name: Ada, phone: "1" }]
  crm:
    repository: /nowhere
    objectives: { rto: 1ms }
    contacts: [{ name: Grace, role: first, email: grace@example.org }]
)";
    std::ofstream(path("promise.yaml")) << R"(scenario: promise
claim: What was promised for ${cluster} is kept.
source:
  provision: { dataset: ecommerce }
  load: { writers: 2 }
  wal: { by: stream, synchronous: false }
timeline:
  - load: { for: 3s }
  - backup: full
  - disaster: lose_server
restore: { kind: full, target: end_of_wal }
verify: [ledger]
objectives:
  rto: ${rto}
  rpo: ${rpo:-}
)";
  }
  [[nodiscard]] Arguments with_config(Arguments arguments) const {
    arguments.insert(arguments.end(), {"--config", path("lifeboat.yaml").string()});
    return arguments;
  }
};

TEST_F(DrillsOfClusters, AreOneForEachJudgedByItsOwnPromise) {
  const auto ended = lifeboat(with_config(
      {"run", path("promise.yaml"), "--all-clusters", "--out", out(), "--jobs", "2", "--progress", "none"}));
  EXPECT_EQ(ended.code, failed) << ended.words;
  EXPECT_THAT(ended.words,
              AllOf(HasSubstr("promise@main"), HasSubstr("promise@crm"),
                    HasSubstr("whom to tell about crm: Grace (first), grace@example.org"), Not(HasSubstr("Ada"))));
  const auto report_of = [this](const std::string& drill) {
    return reports::record::read_report(drill_directory(drill) / "report.json");
  };
  const auto kept = report_of("promise@main"), broken = report_of("promise@crm");
  EXPECT_EQ(kept.verdict, reports::record::Verdict::pass);
  EXPECT_EQ(kept.scenario.claim, "What was promised for main is kept.");
  EXPECT_EQ(kept.restores.at(0).rto.objective_seconds, 120);
  EXPECT_EQ(kept.restores.at(0).rpo.objective_seconds, std::nullopt);
  EXPECT_EQ(broken.verdict, reports::record::Verdict::fail);
  EXPECT_NE(kept.scenario.digest, broken.scenario.digest);

  const auto judged = lifeboat({"judge", drill_directory("promise@main"), "--out", path("judged")});
  EXPECT_EQ(judged.code, 0) << judged.words;
  EXPECT_EQ(reports::record::read_report(path("judged") / "report.json").scenario.claim, kept.scenario.claim);
}

TEST_F(DrillsOfClusters, AreRefusedWhenAVariableHasNoValue) {
  const auto refused = [this](const Arguments& arguments, const std::string& words) {
    const auto ended = lifeboat(arguments);
    EXPECT_EQ(ended.code, usage) << ended.words;
    EXPECT_THAT(ended.words, AllOf(HasSubstr(words), HasSubstr("what to do: ")));
    EXPECT_FALSE(fs::exists(out()));
  };
  const auto file = path("promise.yaml").string();
  refused({"run", file, "--out", out()}, file + ":2:8: the variable cluster has no value");
  refused(with_config({"run", file, "--out", out(), "--cluster", "main", "--all-clusters"}), "--all-clusters");
  refused(with_config({"run", file, "--out", out(), "--cluster", "shop"}), "knows no cluster shop");
  refused(with_config({"run", source_path("scenarios/smoke").string(), "--out", out(), "--cluster", "main"}),
          "no scenario of this run has a variable");
  const auto sound = lifeboat(with_config({"validate", file, "--all-clusters"}));
  EXPECT_EQ(sound.code, 0) << sound.words;
  EXPECT_THAT(sound.words, HasSubstr("promise.yaml for crm: sound: What was promised for crm is kept."));
}

}  // namespace
}  // namespace harness::drill
