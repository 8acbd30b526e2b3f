// What each verb takes from lifeboat.yaml, and that the command line wins.
#include "harness/cli/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/temporary_directory.hpp"

namespace harness::cli {
namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;

constexpr auto one_repository = R"(defaults: { repository: /r, key_file: /k, slot: lifeboat }
clusters:
  main: { connection: host=/s dbname=a, pgdata: /d, contacts: [{ name: Ada, phone: "1" }] }
  crm:  { objectives: { rto: 1h } }
)";

class Configured : public testing::Test {
 protected:
  Configured() { write(one_repository); }
  ~Configured() override {
    ::unsetenv("LIFEBOAT_CONFIG");
    ::unsetenv("LIFEBOAT_KEY_FILE");
  }

  void write(const std::string& text) const { std::ofstream(file()) << text; }
  [[nodiscard]] std::filesystem::path file() const { return directory_.path() / "lifeboat.yaml"; }

  template <typename Verb>
  [[nodiscard]] Verb completed(Words words, bool name_the_file = true) const {
    if (name_the_file) words.insert(words.end(), {"--config", file().string()});
    auto command = parse_command(words);
    complete(command);
    return std::get<Verb>(command.verb);
  }
  [[nodiscard]] std::string refusal(Words words, bool name_the_file = true) const {
    if (name_the_file) words.insert(words.end(), {"--config", file().string()});
    try {
      auto command = parse_command(words);
      complete(command);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_FALSE(error.remedy().empty());
      return error.what();
    }
    return "accepted";
  }

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-cli"};
};

TEST_F(Configured, ABackupNeedsItsClusterAlone) {
  const auto request = completed<BackupVerb>({"backup", "--cluster", "main"}).request;
  EXPECT_EQ(request.repository.text, "/r");
  EXPECT_EQ(request.repository.key_file, "/k");
  EXPECT_EQ(request.conninfo, "host=/s dbname=a");
  EXPECT_EQ(request.pgdata, "/d");
}

TEST_F(Configured, TheCommandLineWins) {
  const auto request = completed<BackupVerb>({"backup", "--cluster", "main", "--repo", "/mine", "--key-file", "/own",
                                              "--dbname", "host=/t", "--pgdata", "/e"})
                           .request;
  EXPECT_EQ(request.repository.text, "/mine");
  EXPECT_EQ(request.repository.key_file, "/own");
  EXPECT_EQ(request.conninfo, "host=/t");
  EXPECT_EQ(request.pgdata, "/e");
}

TEST_F(Configured, WhatBelongsToSomethingElseIsNotTaken) {
  const auto request =
      completed<BackupVerb>({"backup", "--cluster", "main", "--repo", "/mine", "--dbname", "host=/t"}).request;
  EXPECT_THAT(request.repository.key_file.string(), IsEmpty());
  EXPECT_THAT(request.pgdata.string(), IsEmpty());
  EXPECT_THAT(completed<WalCheckVerb>({"wal", "check", "--cluster", "main", "--repo", "/mine"}).request.conninfo,
              IsEmpty());
}

TEST_F(Configured, TheEnvironmentsKeyFileWinsToo) {
  ::setenv("LIFEBOAT_KEY_FILE", "/of-the-environment", 1);
  EXPECT_EQ(completed<ListVerb>({"list"}).repository.key_file, "/of-the-environment");
}

TEST_F(Configured, EveryVerbThatReadsARepositoryFindsIt) {
  EXPECT_EQ(completed<ListVerb>({"list"}).repository.text, "/r");
  EXPECT_EQ(completed<VerifyVerb>({"verify"}).repository.text, "/r");
  EXPECT_EQ(completed<ExpireVerb>({"expire", "--keep-full", "2"}).request.repository.text, "/r");
  EXPECT_EQ(completed<RestoreVerb>({"restore", "--cluster", "crm", "--to", "/t"}).request.repository.key_file, "/k");
  EXPECT_EQ(completed<ExtractVerb>({"extract", "--cluster", "crm", "--table", "a.b", "--replace", "--into", "host=/s"})
                .repository.text,
            "/r");
  EXPECT_EQ(completed<WalPushVerb>({"wal", "push", "--cluster", "crm", "p"}).request.repository.text, "/r");
  EXPECT_EQ(completed<WalFetchVerb>({"wal", "fetch", "--cluster", "crm", "f", "p"}).request.repository.text, "/r");
}

TEST_F(Configured, WalIsReceivedAndCheckedThroughTheClustersConnection) {
  const auto request = completed<WalReceiveVerb>({"wal", "receive", "--cluster", "main"}).request;
  EXPECT_EQ(request.repository.text, "/r");
  EXPECT_EQ(request.conninfo, "host=/s dbname=a");
  EXPECT_EQ(request.slot, "lifeboat");
  EXPECT_EQ(completed<WalReceiveVerb>({"wal", "receive", "--cluster", "main", "--slot", "own"}).request.slot, "own");
  EXPECT_EQ(completed<WalCheckVerb>({"wal", "check", "--cluster", "main"}).request.conninfo, "host=/s dbname=a");
}

TEST_F(Configured, TheEnvironmentNamesTheFileUnlessTheCommandLineDoes) {
  ::setenv("LIFEBOAT_CONFIG", file().c_str(), 1);
  EXPECT_EQ(completed<ListVerb>({"list"}, false).repository.text, "/r");
  ::setenv("LIFEBOAT_CONFIG", "/no/such.yaml", 1);
  EXPECT_EQ(completed<ListVerb>({"list"}).repository.text, "/r");
  EXPECT_THAT(refusal({"list"}, false), HasSubstr("there is no configuration /no/such.yaml"));
}

TEST_F(Configured, ACommandThatLacksNothingReadsItOnlyWhenItIsNamed) {
  write("nonsense: {}\n");
  ::setenv("LIFEBOAT_CONFIG", file().c_str(), 1);
  EXPECT_EQ(completed<ListVerb>({"list", "--repo", "/mine"}, false).repository.text, "/mine");
  EXPECT_THAT(refusal({"list", "--repo", "/mine"}), HasSubstr(":1:1: unknown key"));
}

TEST_F(Configured, WhatIsSaidNowhereIsNamed) {
  EXPECT_THAT(refusal({"backup", "--cluster", "crm"}),
              AllOf(HasSubstr("--dbname was not given, and the cluster crm of"), HasSubstr("has no connection")));
  write("clusters: { main: { repository: /r, connection: host=/s } }");
  EXPECT_THAT(refusal({"wal", "receive", "--cluster", "main"}), HasSubstr("--slot was not given"));
  EXPECT_THAT(refusal({"list", "--cluster", "mian"}), HasSubstr("knows no cluster mian"));
}

TEST_F(Configured, SeveralRepositoriesAreNotGuessedAmong) {
  write("clusters: { main: { repository: /r }, crm: { repository: /s } }");
  EXPECT_THAT(refusal({"list"}), HasSubstr("has several: that of main and that of crm"));
  EXPECT_EQ(completed<ListVerb>({"list", "--cluster", "crm"}).repository.text, "/s");
}

TEST_F(Configured, ARunIsFilledFromOneClusterOrFromEach) {
  const auto one = completed<RunVerb>({"run", "x.yaml", "--cluster", "main"}).fillings;
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].cluster, "main");
  EXPECT_EQ(one[0].variables.values.at("pgdata"), "/d");
  EXPECT_THAT(one[0].contacts, ElementsAre("Ada, 1"));
  const auto all = completed<ValidateVerb>({"validate", "x.yaml", "--all-clusters"}).fillings;
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].variables.values.at("rto"), "1h");
  EXPECT_THAT(completed<PlanVerb>({"plan", "x.yaml"}).run.fillings, IsEmpty());
}

TEST_F(Configured, ARunIsForOneClusterOrForAllOfThem) {
  EXPECT_THAT(refusal({"run", "x.yaml", "--cluster", "main", "--all-clusters"}),
              AllOf(HasSubstr("--cluster"), HasSubstr("--all-clusters")));
  EXPECT_THAT(refusal({"run", "x.yaml", "--cluster", "other"}), HasSubstr("knows no cluster other"));
}

TEST_F(Configured, RepositoriesAreMadeWhereTheCommandLineSays) {
  EXPECT_THAT(refusal({"repo", "init"}, false), HasSubstr("--repo"));
  EXPECT_THAT(refusal({"repo", "init", "--repo", "/r"}), HasSubstr("--config"));
}

}  // namespace
}  // namespace harness::cli
