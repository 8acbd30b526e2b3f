#include <gtest/gtest.h>

#include "harness/cli/command_line.hpp"
#include "tests/support/failure.hpp"

namespace harness::cli {
namespace {

using backup_engine::base::ErrorKind;
using tests::kind_of_failure;

TEST(ParseExpire, TakesEveryRule) {
  const auto verb = parse_command_line({"expire", "--repo",         "/r",  "--cluster",     "main", "--keep-full",
                                        "2",      "--keep-hourly",  "168", "--keep-daily",  "30",   "--keep-weekly",
                                        "13",     "--keep-monthly", "12",  "--keep-yearly", "3",    "--pitr-window",
                                        "7d",     "--dry-run"});
  const auto& request = std::get<ExpireVerb>(verb).request;
  EXPECT_EQ(request.repository.text, "/r");
  EXPECT_EQ(request.cluster, "main");
  EXPECT_EQ(request.rules.keep_full, 2U);
  EXPECT_EQ(request.rules.keep_hourly, 168U);
  EXPECT_EQ(request.rules.keep_daily, 30U);
  EXPECT_EQ(request.rules.keep_weekly, 13U);
  EXPECT_EQ(request.rules.keep_monthly, 12U);
  EXPECT_EQ(request.rules.keep_yearly, 3U);
  EXPECT_EQ(request.rules.pitr_window, std::chrono::hours(7 * 24));
  EXPECT_TRUE(request.dry_run);
}

TEST(ParseExpire, RefusesAWindowThatIsNoDurationAndANumberBelowZero) {
  EXPECT_EQ(kind_of_failure([] {
              (void)parse_command_line({"expire", "--repo", "/r", "--pitr-window", "soon"});
            }),
            ErrorKind::usage);
  EXPECT_EQ(kind_of_failure([] {
              (void)parse_command_line({"expire", "--repo", "/r", "--keep-daily", "-1"});
            }),
            ErrorKind::usage);
}

TEST(ParseExpire, WantsTheClusterOfWhatItRevokes) {
  EXPECT_EQ(kind_of_failure([] {
              (void)parse_command_line({"expire", "--repo", "/r", "--revoke", "x"});
            }),
            ErrorKind::usage);
  const auto verb = parse_command_line({"expire", "--repo", "/r", "--cluster", "main", "--revoke", "x"});
  EXPECT_EQ(std::get<ExpireVerb>(verb).revoke, "x");
}

TEST(ParseReason, IsTakenByEveryVerbThatWorksOnARepository) {
  for (const auto& verb : std::vector<std::vector<std::string>>{
           {"expire"}, {"list"}, {"verify"}, {"repo", "init"}, {"wal", "check", "--cluster", "main"}}) {
    auto arguments = verb;
    arguments.insert(arguments.end(), {"--repo", "/r", "--reason", "ticket 7"});
    EXPECT_EQ(parse_command(arguments).reason, "ticket 7") << verb[0];
  }
}

}  // namespace
}  // namespace harness::cli
