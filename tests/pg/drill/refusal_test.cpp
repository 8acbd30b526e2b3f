// What a user got wrong: one clear message, exit code 3, nothing touched.
#include <gmock/gmock.h>

#include <fstream>

#include "backup_engine/base/file.hpp"
#include "tests/pg/drill/ordinary_user.hpp"
#include "tests/support/places.hpp"

namespace harness::drill {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr int not_carried_out = 2, usage = 3, failed_wal_fetch = 254;
constexpr auto what_to_do = "what to do: ";

class Refusal : public LifeboatCommand {
 protected:
  // Refused with `words`, a remedy and code 3, before a drill directory was made.
  void expect_refused(const Arguments& arguments, const std::string& words) {
    const auto ended = lifeboat(arguments);
    EXPECT_EQ(ended.code, usage) << ended.words;
    EXPECT_THAT(ended.words, AllOf(HasSubstr(words), HasSubstr(what_to_do)));
    EXPECT_FALSE(fs::exists(out())) << "something was written";
  }
  void expect_run_refused(const Arguments& options, const std::string& words) {
    Arguments arguments{"run", smoke_, "--out", out()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    expect_refused(arguments, words);
  }
  // lifeboat-wal-VERB, which is beside lifeboat.
  static Ended wal_program(const std::string& verb, const Arguments& arguments) {
    process::Command command;
    command.program = tests::lifeboat_program().string() + "-wal-" + verb;
    command.arguments = arguments;
    const auto done = process::run(command, backup_engine::base::Deadline::after(std::chrono::minutes(5)));
    return {done.status.code, done.output};
  }
  const std::string smoke_ = source_path("scenarios/smoke/full-to-backup-point.yaml").string();
  const std::string unknown_key_ = source_path("tests/scenarios/unknown-key.yaml").string();
  const std::string zero_checks_ = source_path("tests/scenarios/zero-checks.yaml").string();
};

TEST_F(Refusal, NamesFileLineAndColumnOfAnUnknownKey) {
  expect_refused({"run", unknown_key_, "--out", out()}, unknown_key_ + ":12:1: unknown key");
  expect_refused({"validate", unknown_key_}, unknown_key_ + ":12:1: unknown key");
}

TEST_F(Refusal, NamesFileLineAndColumnOfAnEmptyListOfChecks) {
  expect_refused({"run", zero_checks_, "--out", out()}, zero_checks_ + ":12:9: verify lists no checks");
}

TEST_F(Refusal, NamesFileLineAndColumnOfATargetThatNoBackupReaches) {
  const auto unreachable = source_path("tests/scenarios/unreachable-target.yaml").string();
  expect_refused({"run", unreachable, "--out", out()}, unreachable + ":13:40: \"too-early\" in line 9 comes before");
}

TEST_F(Refusal, StartsNoneOfSeveralWhenOneIsWrong) {
  expect_refused({"run", smoke_, zero_checks_, unknown_key_, "--out", out()}, unknown_key_ + ":12:1");
  expect_refused({"run", smoke_, zero_checks_, unknown_key_, "--out", out()}, zero_checks_ + ":12:9");
}

TEST_F(Refusal, OfAScenarioThatIsNotThere) {
  expect_refused({"run", path("none.yaml"), "--out", out()}, "no such scenario: " + path("none.yaml").string());
  expect_refused({"run", directory_.path(), "--out", out()}, "holds no scenario");
}

TEST_F(Refusal, OfAPostgresqlThatIsNotThere) {
  expect_run_refused({"--pg-bindir", "/nonexistent"}, "no postgres in /nonexistent");
}

TEST_F(Refusal, OfUsersThatMustNotRunServers) {
  expect_run_refused({"--run-as", "nobody-of-that-name"}, "nobody-of-that-name");
  expect_run_refused({"--run-as", "root"}, "root");
  expect_run_refused({"--run-as", "postgres"}, "postgres");
}

TEST_F(Refusal, OfAWorkDirectoryThatServersCannotReach) {
  expect_run_refused({"--work-dir", path("none")}, "--work-dir " + path("none").string());
}

TEST_F(Refusal, OfAnUnknownOption) {
  expect_run_refused({"--frobnicate"}, "--frobnicate");
  expect_run_refused({"--jobs", "0"}, "--jobs");
  expect_run_refused({"--progress", "loud"}, "'loud' is not one of");
  expect_run_refused({"--seed", "18446744073709551615", "--seeds", "2"}, "18446744073709551615 is the last one");
}

TEST_F(Refusal, OfADirectoryThatIsNoDrill) {
  expect_refused({"judge", directory_.path()}, "is no drill directory");
  expect_refused({"report", directory_.path(), "--format", "html"}, "is no drill directory");
}

TEST_F(Refusal, OfARepositoryThatIsNone) {
  const auto none = path("none").string();
  for (const auto& verb : std::vector<Arguments>{
           {"list", "--repo", none},
           {"verify", "--repo", none},
           {"restore", "--repo", none, "--cluster", "shop", "--to", path("restored")},
           {"wal", "receive", "--repo", none, "--cluster", "shop", "--dbname", "host=/nonexistent", "--slot", "s"}}) {
    expect_refused(verb, none + " is no Lifeboat repository");
  }
  EXPECT_FALSE(fs::exists(none));
  EXPECT_FALSE(fs::exists(path("restored")));
}

TEST_F(Refusal, OfARepositoryInADirectoryThatHoldsSomethingElse) {
  std::ofstream(path("precious")) << "data";
  expect_refused({"repo", "init", "--repo", directory_.path()}, directory_.path().string());
  EXPECT_EQ(backup_engine::base::read_file(path("precious")), "data");
  EXPECT_FALSE(fs::exists(path("repository.json")));
}

TEST_F(Refusal, OfAPasswordThatAnyoneCouldReadInTheProcessList) {
  for (const auto* const conninfo : {"host=/tmp password=geheim", "postgresql://shop:geheim@localhost/shop"}) {
    for (const auto& verb : std::vector<Arguments>{
             {"backup", "--repo", path("r"), "--cluster", "shop", "--pgdata", path("d"), "--dbname"},
             {"wal", "receive", "--repo", path("r"), "--cluster", "shop", "--slot", "s", "--dbname"}}) {
      auto arguments = verb;
      arguments.emplace_back(conninfo);
      const auto ended = lifeboat(arguments);
      EXPECT_EQ(ended.code, usage);
      EXPECT_THAT(ended.words, AllOf(HasSubstr("password"), HasSubstr("passfile"), Not(HasSubstr("geheim"))));
    }
  }
}

TEST_F(Refusal, OfWalFetchIsNeverMistakenForWalThatIsNotThere) {
  const auto segment = std::string("000000010000000000000001");
  EXPECT_EQ(lifeboat({"wal", "fetch"}).code, failed_wal_fetch);
  EXPECT_EQ(lifeboat({"wal", "fetch", "--repo", path("none"), "--frobnicate"}).code, failed_wal_fetch);
  EXPECT_EQ(lifeboat({"wal", "fetch", "--repo", path("none"), "--cluster", "shop", segment, path("segment")}).code,
            failed_wal_fetch);
}

TEST_F(Refusal, OfNumbersThatAreNoneByTheProgramsThatPostgresqlCalls) {
  const std::vector<std::pair<std::string, int>> programs{{"push", usage}, {"fetch", failed_wal_fetch}};
  for (const auto& [verb, code] : programs) {
    const auto ended = wal_program(verb, {"--repo", path("none"), "--cluster", "shop",
                                          verb == "push" ? "--ahead" : "--prefetch", "010", "file", "path"});
    EXPECT_EQ(ended.code, code) << ended.words;
    EXPECT_THAT(ended.words, HasSubstr("'010' is no whole number"));
  }
}

TEST_F(Refusal, OfAnOutDirectoryThatCannotBeMade) {
  const auto ended = lifeboat({"run", smoke_, "--out", "/proc/drills"});
  EXPECT_NE(ended.code, 0);
  EXPECT_THAT(ended.words, AllOf(HasSubstr("/proc/drills"), HasSubstr(what_to_do)));
}

TEST_F(Refusal, IsNotNeededForAPlanWhichWritesNothing) {
  const auto planned = lifeboat({"plan", smoke_, "--out", out(), "--seed", "7"});
  EXPECT_EQ(planned.code, 0) << planned.words;
  EXPECT_THAT(planned.words, AllOf(HasSubstr("seed 7"), HasSubstr("lose_server"), HasSubstr(out())));
  const auto validated = lifeboat({"validate", source_path("scenarios/smoke"), source_path("scenarios/nightly")});
  EXPECT_EQ(validated.code, 0) << validated.words;
  EXPECT_THAT(validated.words, ContainsRegex("full-after-server-loss.yaml: sound: "));
  EXPECT_THAT(validated.words, ContainsRegex("nightly/pitr-to-mark.yaml: sound: "));
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(OrdinaryUser, IsToldThatASocketsPathWouldBeTooLong) {
  const auto runtime = path(std::string(100, 'x'));
  fs::create_directory(runtime);
  fs::permissions(runtime, fs::perms(0777));
  const auto ended = lifeboat_as_user({"run", path("full-to-backup-point.yaml"), "--out", out()},
                                      {{"XDG_RUNTIME_DIR", runtime.string()}});
  EXPECT_EQ(ended.code, usage) << ended.words;
  EXPECT_THAT(ended.words, AllOf(HasSubstr("too long"), HasSubstr(runtime.string()), HasSubstr("XDG_RUNTIME_DIR")));
  EXPECT_TRUE(fs::is_empty(runtime));
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(OrdinaryUser, IsToldThatTheOutDirectoryCannotBeWritten) {
  const auto closed = path("closed");
  fs::create_directory(closed);
  fs::permissions(closed, fs::perms(0500));
  const auto ended = lifeboat_as_user({"run", path("full-to-backup-point.yaml"), "--out", closed / "drills"});
  EXPECT_EQ(ended.code, not_carried_out) << ended.words;
  EXPECT_THAT(ended.words, AllOf(HasSubstr(closed.string()), HasSubstr("--out")));
}

TEST_F(OrdinaryUser, MayNotRunServersAsSomebodyElse) {
  const auto ended = lifeboat_as_user({"run", path("full-to-backup-point.yaml"), "--out", out(), "--run-as", "daemon"});
  EXPECT_EQ(ended.code, usage) << ended.words;
  EXPECT_THAT(ended.words, HasSubstr("only root may run servers as daemon"));
}

}  // namespace
}  // namespace harness::drill
