// `lifeboat backup --drill`, with an encrypted repository: what was taken is restored at once, and stays whatever came
// of it.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "tests/pg/drill/stored_cluster.hpp"

namespace harness::drill {
namespace {

using reports::record::Verdict;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class BackupDrill : public testing::Test {
 protected:
  BackupDrill() { cluster_.run("CREATE TABLE boats (id int PRIMARY KEY, name text NOT NULL)"); }

  [[nodiscard]] StoredCluster::Ended back_up(const std::vector<std::string>& further) const {
    auto arguments = cluster_.backup_arguments();
    arguments.insert(arguments.end(), {"--key-file", cluster_.path("key"), "--reason", "a test"});
    arguments.insert(arguments.end(), further.begin(), further.end());
    return StoredCluster::as_caller(arguments);
  }
  [[nodiscard]] std::string listed() const {
    return cluster_.lifeboat({"list", "--repo", cluster_.repository()}).words;
  }
  // A scenario of this cluster whose SQL calls a boat of that name a violation.
  [[nodiscard]] std::string scenario_against(const std::string& boat, const std::string& source) const {
    std::ofstream(cluster_.path("boats.sql"))
        << fmt::format("-- name: no {0}\nSELECT id FROM boats WHERE name = '{0}';\n", boat);
    const auto file = cluster_.path("mine.yaml");
    std::ofstream(file) << fmt::format(
        "scenario: mine\nclaim: No {} comes back.\nsource: {{ {} }}\nrestore: {{ kind: full, target: end_of_wal }}\n"
        "verify: [{{ sql: boats.sql }}]\n",
        boat, source);
    return file;
  }

  StoredCluster cluster_{StoredCluster::Repository::encrypted};
  const std::string out_ = cluster_.path("drills");
};

TEST_F(BackupDrill, RestoresWhatItHasJustTakenByTheScenarioThatShips) {
  cluster_.run("INSERT INTO boats VALUES (1, 'Aurora')");
  const auto ended = back_up({"--drill", "--out", out_});
  EXPECT_EQ(ended.code, 0) << ended.words;
  const auto report = cluster_.report("newest-backup@shop");
  EXPECT_EQ(report.verdict, Verdict::pass) << all_words(report);
  EXPECT_THAT(report.not_tested, testing::Contains(HasSubstr("sequences: the restored cluster has none")));
  EXPECT_EQ(report.initiated_by.reason, "a test");
  EXPECT_THAT(ended.words, HasSubstr(report.restores.at(0).backup_label + ": "));
  EXPECT_THAT(listed(), HasSubstr(report.restores.at(0).backup_label));
  EXPECT_THAT(cluster_.lifeboat({"list", "--repo", cluster_.repository(), "--operations"}).words,
              AllOf(HasSubstr("\"drill\""), HasSubstr("\"backup\"")));
}

TEST_F(BackupDrill, FailsWithItsDrillAndKeepsTheBackup) {
  cluster_.run("INSERT INTO boats VALUES (1, 'Flying Dutchman')");
  const auto mine = scenario_against(
      "Flying Dutchman", "repository: \"${repository}\", cluster: \"${cluster}\", key_file: \"${key_file:-}\"");
  const auto ended = back_up({"--drill", mine, "--out", out_});
  EXPECT_EQ(ended.code, 1) << ended.words;
  const auto report = cluster_.report("mine@shop");
  EXPECT_EQ(check_of(report, "sql boats.sql").verdict, Verdict::fail);
  const auto label = report.restores.at(0).backup_label;
  EXPECT_THAT(ended.words, HasSubstr(label + " stays in the repository; its drill did not pass"));
  EXPECT_THAT(listed(), HasSubstr(label));
}

TEST_F(BackupDrill, RefusesAScenarioOfSomethingElseBeforeTheBackupIsTaken) {
  const auto other = scenario_against("Aurora", "repository: /srv/others, cluster: shop");
  const auto ended = back_up({"--drill", other, "--out", out_});
  EXPECT_EQ(ended.code, 3) << ended.words;
  EXPECT_THAT(ended.words, AllOf(HasSubstr("is about shop in /srv/others"), HasSubstr("write ${repository}")));
  EXPECT_THAT(listed(), Not(HasSubstr("-full")));
  EXPECT_EQ(back_up({"--drill", cluster_.path("nothing.yaml")}).code, 3);
  EXPECT_EQ(back_up({"--out", out_}).code, 3) << "an option of a drill that was not asked for";
}

}  // namespace
}  // namespace harness::drill
