#include "harness/cli/command_line.hpp"

#include <gtest/gtest.h>

#include <tuple>

#include "backup_engine/base/error.hpp"
#include "harness/cli/tablespace_map.hpp"

namespace harness::cli {
namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

std::string usage_error_of(const std::vector<std::string>& arguments) {
  try {
    (void)parse_command_line(arguments);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_FALSE(error.remedy().empty());
    return error.what();
  }
  return "no error";
}

TEST(ParseCommandLine, TakesEveryOptionOfRun) {
  const auto verb = parse_command_line(
      {"run",      "scenarios/smoke", "--out",      "/tmp/o", "--jobs",   "2",      "--seed",      "7",
       "--keep",   "never",           "--work-dir", "/w",     "--run-as", "nobody", "--pg-bindir", "/b",
       "--reason", "quarterly test",  "--progress", "none"});
  const auto& run = std::get<RunVerb>(verb);
  ASSERT_EQ(run.scenarios.size(), 1U);
  EXPECT_EQ(run.scenarios[0], "scenarios/smoke");
  EXPECT_EQ(run.out, "/tmp/o");
  EXPECT_EQ(run.concurrent_drills, 2U);
  EXPECT_EQ(run.seed, 7U);
  EXPECT_EQ(run.keep, plan::Keep::never);
  EXPECT_EQ(run.work_directory, "/w");
  EXPECT_EQ(run.run_as, "nobody");
  EXPECT_EQ(run.bin_directory, "/b");
  EXPECT_EQ(run.reason, "quarterly test");
  EXPECT_EQ(run.progress, ProgressMode::none);
}

TEST(ParseCommandLine, NamesTheUnknownOption) {
  EXPECT_NE(usage_error_of({"run", "x.yaml", "--paralel", "2"}).find("--paralel"), std::string::npos);
}

TEST(ParseCommandLine, NamesWhatIsAllowedForAWord) {
  EXPECT_NE(usage_error_of({"run", "x.yaml", "--keep", "sometimes"}).find("on-failure"), std::string::npos);
}

// An empty variable of somebody's script.
TEST(ParseCommandLine, RefusesAnEmptyValueAndNamesItsOption) {
  const std::vector<std::string> backup{"backup", "--repo", "/r", "--cluster", "main"};
  const std::vector<std::string> restore{"restore", "--repo", "/r", "--cluster", "main", "--to", "/d"};
  const auto with = [](std::vector<std::string> arguments, const std::string& option) {
    arguments.insert(arguments.end(), {option, ""});
    return usage_error_of(arguments);
  };
  for (const auto* const option : {"--dbname", "--pgdata", "--key-file", "--config"}) {
    EXPECT_NE(with(backup, option).find(std::string(option) + ": its value is empty"), std::string::npos) << option;
  }
  for (const auto* const option : {"--backup", "--database", "--tablespace-map", "--target-name"}) {
    EXPECT_NE(with(restore, option).find(std::string(option) + ": its value is empty"), std::string::npos) << option;
  }
  EXPECT_NE(usage_error_of({"restore", "--repo", "/r", "--cluster", "main", "--to", ""}).find("--to"),
            std::string::npos);
  EXPECT_NE(usage_error_of({"verify", "--repo", "/r", "--cluster", ""}).find("--cluster"), std::string::npos);
  EXPECT_NE(usage_error_of({"judge", ""}).find("DRILL_DIR"), std::string::npos);
  EXPECT_NO_THROW((void)parse_command_line({"list", "--repo", "/r", "--reason", ""}));
  EXPECT_NO_THROW((void)parse_command_line({"backup", "--repo", "/r", "--cluster", "main", "--drill"}));
}

TEST(ParseCommandLine, RefusesWhatIsNoWholeNumberAndNamesItsOption) {
  const std::vector<std::string> run{"run", "x.yaml"};
  const std::vector<std::string> restore{"restore", "--repo", "/r", "--cluster", "c", "--to", "/t", "--in-place"};
  const std::vector<std::string> expire{"expire", "--repo", "/r"};
  const std::vector<std::string> push{"wal", "push", "--repo", "/r", "--cluster", "c", "/f"};
  const auto with = [](std::vector<std::string> arguments, const std::string& option, const std::string& value) {
    arguments.insert(arguments.begin() + (arguments[0] == "wal" ? 2 : 1), {option, value});
    return arguments;
  };
  const std::tuple<std::vector<std::string>, std::string, std::string> refused[] = {
      {run, "--seed", "-1"},
      {run, "--seed", "18446744073709551616"},
      {run, "--seed", "010"},
      {run, "--seed", "0x10"},
      {run, "--seed", "1e3"},
      {run, "--jobs", "-18446744073709551615"},
      {run, "--seeds", "010"},
      {restore, "--confirm-system-identifier", "-1"},
      {restore, "--confirm-system-identifier", "73450000000000000420"},
      {restore, "--jobs", "-18446744073709551615"},
      {expire, "--keep-full", "-18446744073709551615"},
      {expire, "--keep-daily", "010"},
      {push, "--ahead", "010"}};
  for (const auto& [verb, option, value] : refused) {
    const auto error = usage_error_of(with(verb, option, value));
    EXPECT_NE(error.find(option + ": '" + value + "' is no whole number"), std::string::npos) << error;
  }
  EXPECT_EQ(std::get<RunVerb>(parse_command_line(with(run, "--seed", "18446744073709551615"))).seed,
            18446744073709551615U);
  EXPECT_EQ(std::get<RunVerb>(parse_command_line(with(run, "--seed", "0"))).seed, 0U);
  EXPECT_EQ(std::get<ExpireVerb>(parse_command_line(with(expire, "--keep-daily", "10"))).request.rules.keep_daily, 10U);
}

TEST(ParseCommandLine, RefusesNothingAtAll) {
  EXPECT_NE(usage_error_of({}), "no error");
}

TEST(ParseCommandLine, RefusesVerbsThatAreNotDelivered) {
  EXPECT_NE(usage_error_of({"history"}), "no error");
  EXPECT_NE(usage_error_of({"runbook", "/d"}), "no error");
}

TEST(ParseCommandLine, RefusesAPasswordInTheConnectionString) {
  const auto text = usage_error_of(
      {"backup", "--repo", "/r", "--cluster", "c", "--pgdata", "/d", "--dbname", "host=/s password=hunter2"});
  EXPECT_NE(text.find("password"), std::string::npos);
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << "the password itself is never repeated";
}

TEST(ParseCommandLine, LimitsTheRateOfABackup) {
  const std::vector<std::string> backup{"backup", "--repo", "/r", "--cluster", "c", "--dbname", "host=/s"};
  const auto with = [&](const std::string& rate) {
    auto arguments = backup;
    arguments.insert(arguments.end(), {"--max-rate", rate});
    return arguments;
  };
  EXPECT_EQ(std::get<BackupVerb>(parse_command_line(backup)).request.max_bytes_per_second, 0U);
  EXPECT_EQ(std::get<BackupVerb>(parse_command_line(with("20MB"))).request.max_bytes_per_second, 20'000'000U);
  EXPECT_NE(usage_error_of(with("fast")).find("fast"), std::string::npos);
}

TEST(ParseCommandLine, MapsTablespaces) {
  const auto verb =
      parse_command_line({"restore", "--repo", "/r", "--cluster", "c", "--to", "/t", "--tablespace-map", "/a=/b"});
  EXPECT_EQ(std::get<RestoreVerb>(verb).request.tablespace_map.at("/a"), "/b");
  const auto twice = usage_error_of({"restore", "--repo", "/r", "--cluster", "c", "--to", "/t", "--tablespace-map",
                                     "/a=/b", "--tablespace-map", "/a=/c"});
  EXPECT_NE(twice.find("twice where /a goes"), std::string::npos) << twice;
}

TEST(ParseTablespaceMap, FindsTheSignBetweenTwoPathsThatMayHoldItThemselves) {
  using Paths = std::pair<std::filesystem::path, std::filesystem::path>;
  EXPECT_EQ(parse_tablespace_map("/old=/new"), Paths("/old", "/new"));
  EXPECT_EQ(parse_tablespace_map("/ts b=c=/new"), Paths("/ts b=c", "/new"));
  EXPECT_EQ(parse_tablespace_map(R"(/a\=/b=/c\=/d)"), Paths("/a=/b", "/c=/d"));
  EXPECT_EQ(parse_tablespace_map(R"(/ts q"é\b\=c=/new)"), Paths(R"(/ts q"é\b=c)", "/new"));
  for (const auto* const text : {"/a", "/a=", "=/b", "/a=b", "a=/b", "/a=/b=/c", ""}) {
    EXPECT_THROW((void)parse_tablespace_map(text), backup_engine::base::Error) << text;
  }
}

TEST(ParseCommandLine, RestoresWithoutArchivingUnlessToldTo) {
  using backup_engine::ArchiveMode;
  std::vector<std::string> restore{"restore", "--repo", "/r", "--cluster", "c", "--to", "/t"};
  EXPECT_EQ(std::get<RestoreVerb>(parse_command_line(restore)).request.archive_mode, ArchiveMode::off);
  restore.insert(restore.end(), {"--archive-mode", "preserve"});
  EXPECT_EQ(std::get<RestoreVerb>(parse_command_line(restore)).request.archive_mode, ArchiveMode::preserve);
  restore.back() = "on";
  EXPECT_NE(usage_error_of(restore).find("off, preserve"), std::string::npos);
}

TEST(ParseCommandLine, RestoresOverAClusterInOneOfTwoWays) {
  using backup_engine::ExistingFiles;
  std::vector<std::string> arguments = {"restore", "--repo", "/r", "--cluster", "c", "--to", "/t"};
  EXPECT_EQ(std::get<RestoreVerb>(parse_command_line(arguments)).request.existing, ExistingFiles::refuse);
  arguments.emplace_back("--delta");
  EXPECT_EQ(std::get<RestoreVerb>(parse_command_line(arguments)).request.existing, ExistingFiles::compare);
  arguments.emplace_back("--in-place");
  EXPECT_NE(usage_error_of(arguments), "no error");
  arguments.erase(arguments.end() - 2);
  EXPECT_EQ(std::get<RestoreVerb>(parse_command_line(arguments)).request.existing, ExistingFiles::set_aside);
  EXPECT_EQ(std::get<RestoreVerb>(parse_command_line(arguments)).request.confirmed_system_identifier, std::nullopt);
  arguments.insert(arguments.end(), {"--confirm-system-identifier", "7345000000000000042"});
  EXPECT_EQ(std::get<RestoreVerb>(parse_command_line(arguments)).request.confirmed_system_identifier,
            7345000000000000042U);
  std::erase(arguments, "--in-place");
  EXPECT_NE(usage_error_of(arguments).find("--in-place"), std::string::npos);
}

TEST(ParseCommandLine, ShowsRollsBackAndDropsASafetyCopy) {
  const std::pair<const char*, SafetyCopyAction> verbs[] = {
      {"show", SafetyCopyAction::show}, {"roll-back", SafetyCopyAction::roll_back}, {"drop", SafetyCopyAction::drop}};
  for (const auto& [word, action] : verbs) {
    const auto verb = std::get<SafetyCopyVerb>(parse_command_line({"safety-copy", word, "--to", "/t"}));
    EXPECT_EQ(verb.action, action) << word;
    EXPECT_EQ(verb.to, "/t") << word;
    EXPECT_NE(usage_error_of({"safety-copy", word}).find("--to"), std::string::npos);
  }
  EXPECT_EQ(parse_command({"safety-copy", "drop", "--to", "/t", "--reason", "ticket 7"}).reason, "ticket 7");
}

TEST(ParseCommandLine, TakesEachDatabaseToRestore) {
  const auto verb = parse_command_line(
      {"restore", "--repo", "/r", "--cluster", "c", "--to", "/t", "--database", "shop", "--database", "crm"});
  EXPECT_EQ(std::get<RestoreVerb>(verb).request.databases, (std::vector<std::string>{"shop", "crm"}));
}

TEST(ParseCommandLine, RefusesASlotThatIsBothMadeAndDropped) {
  EXPECT_NE(usage_error_of({"wal", "receive", "--repo", "/r", "--cluster", "c", "--dbname", "host=/s", "--slot", "s",
                            "--create-slot", "--drop-slot"}),
            "no error");
}

TEST(ParseCommandLine, FetchesWalFromARepositoryOrASocketAndNeverBoth) {
  const auto verb = parse_command_line({"wal", "fetch", "--socket", "/tmp/s/wal", "FILE", "RECOVERYXLOG"});
  EXPECT_EQ(std::get<WalFetchVerb>(verb).request.socket, "/tmp/s/wal");
  EXPECT_EQ(std::get<WalFetchVerb>(verb).request.prefetch, 0U) << "whoever serves reads ahead";
  EXPECT_NE(usage_error_of({"wal", "fetch", "FILE", "PATH"}).find("--cluster"), std::string::npos);
  for (const auto* const option : {"--repo", "--cluster", "--prefetch"}) {
    EXPECT_NE(usage_error_of({"wal", "fetch", "--socket", "/tmp/s/wal", option, "1", "FILE", "PATH"}), "no error")
        << option;
  }
}

TEST(ParseCommandLine, ShowsHelpAndVersion) {
  EXPECT_NE(std::get<ShowText>(parse_command_line({"--version"})).text.find("lifeboat"), std::string::npos);
  EXPECT_NE(std::get<ShowText>(parse_command_line({"restore", "--help"})).text.find("--target-immediate"),
            std::string::npos);
}

TEST(AsksForWalFetch, SeesItHoweverWrongTheRestIs) {
  EXPECT_TRUE(asks_for_wal_fetch({"wal", "fetch", "--no-such-option"}));
  EXPECT_FALSE(asks_for_wal_fetch({"wal", "receive"}));
  EXPECT_FALSE(asks_for_wal_fetch({"wal"}));
}

}  // namespace
}  // namespace harness::cli
