#include "harness/server/doctor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "backup_engine/base/temporary_directory.hpp"
#include "harness/server/server.hpp"

namespace harness::server {
namespace {

using testing::HasSubstr;

const Examined* find(const std::vector<Examined>& all, const std::string& what) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Examined& item) { return item.what == what; });
  return found == all.end() ? nullptr : &*found;
}

TEST(Examine, FindsAMachineThatCanRunTheseTestsFit) {
  const auto all = examine({.work_directory = "/var/tmp", .run_as = "", .bin_directory = std::nullopt});
  for (const auto& item : all) {
    EXPECT_TRUE(item.ok()) << item.what << ": " << item.detail;
    EXPECT_EQ(item.remedy.empty(), item.health == Health::good) << item.what << ": " << item.remedy;
  }
  const auto installation = choose_installation(find_installations(std::nullopt), std::nullopt);
  const auto* postgres = find(all, "PostgreSQL " + std::to_string(installation.version.major()));
  ASSERT_NE(postgres, nullptr);
  EXPECT_THAT(postgres->detail, HasSubstr(installation.bin_directory.string()));
  ASSERT_NE(find(all, "tested versions"), nullptr);
  EXPECT_THAT(find(all, "tested versions")->detail, HasSubstr("15, 17, 18; supported, and not run: 16"));
  for (const auto* what : {"server user", "work directory", "free space", "socket directory", "network isolation",
                           "locale C.UTF-8", "limits"}) {
    EXPECT_NE(find(all, what), nullptr) << what;
  }
}

TEST(Examine, ReportsWhatIsMissingAndGoesOn) {
  const backup_engine::base::TemporaryDirectory empty("/var/tmp", "doctor-test");
  const auto all =
      examine({.work_directory = "/does/not/exist", .run_as = "no-such-user", .bin_directory = empty.path()});
  const auto* postgres = find(all, "PostgreSQL");
  ASSERT_NE(postgres, nullptr);
  EXPECT_EQ(postgres->health, Health::bad);
  EXPECT_THAT(postgres->detail, HasSubstr(empty.path().string()));
  for (const auto* what : {"server user", "work directory"}) {
    const auto* item = find(all, what);
    ASSERT_NE(item, nullptr) << what;
    EXPECT_EQ(item->health, Health::bad) << what;
  }
  EXPECT_NE(find(all, "limits"), nullptr);
}

TEST(Examine, NamesEachMissingProgram) {
  const backup_engine::base::TemporaryDirectory partial("/var/tmp", "doctor-test");
  const auto installation = choose_installation(find_installations(std::nullopt), std::nullopt);
  for (const auto* name : {"postgres", "initdb", "pg_waldump"}) {
    std::filesystem::copy_file(installation.program(name), partial.path() / name);
  }
  const auto all = examine({.work_directory = "/var/tmp", .run_as = "", .bin_directory = partial.path()});
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.front().health, Health::bad);
  EXPECT_THAT(all.front().detail, HasSubstr("pg_verifybackup (checking restored directories)"));
  EXPECT_THAT(all.front().detail, testing::Not(HasSubstr("pg_waldump")));
  EXPECT_THAT(all.front().remedy, HasSubstr("apt-get install postgresql"));
}

}  // namespace
}  // namespace harness::server
