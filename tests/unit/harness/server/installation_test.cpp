#include "harness/server/installation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup_engine/base/error.hpp"

namespace harness::server {
namespace {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Version;
using testing::HasSubstr;

Installation installed(int number) {
  return {"/opt/pg" + std::to_string(number / 10000), Version(number)};
}

template <typename Action>
Error error_of(const Action& action) {
  try {
    (void)action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorKind::internal, ""};
}

TEST(ParseVersionLine, ReadsReleasesAndDevelopmentVersions) {
  EXPECT_EQ(parse_version_line("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Version(150018));
  EXPECT_EQ(parse_version_line("postgres (PostgreSQL) 17.0"), Version(170000));
  EXPECT_EQ(parse_version_line("postgres (PostgreSQL) 18beta1"), Version(180000));
  EXPECT_EQ(parse_version_line("postgres (PostgreSQL) 19devel"), Version(190000));
}

TEST(ParseVersionLine, RefusesEverythingElse) {
  EXPECT_FALSE(parse_version_line(""));
  EXPECT_FALSE(parse_version_line("mysqld 8.0"));
  EXPECT_FALSE(parse_version_line("postgres (PostgreSQL) "));
  EXPECT_FALSE(parse_version_line("postgres (PostgreSQL) many"));
}

TEST(ChooseInstallation, TakesTheNewestSupported) {
  EXPECT_EQ(
      choose_installation({installed(190000), installed(170004), installed(150018)}, std::nullopt).version.major(), 17);
}

TEST(ChooseInstallation, TakesTheMajorThatWasAskedFor) {
  EXPECT_EQ(choose_installation({installed(170004), installed(150018)}, 15).version.major(), 15);
}

TEST(ChooseInstallation, RefusesAnUnsupportedMajorByName) {
  const auto error = error_of([] { return choose_installation({installed(140011)}, 14); });
  EXPECT_EQ(error.kind(), ErrorKind::unsupported);
  EXPECT_THAT(error.what(), HasSubstr("PostgreSQL 14"));
  EXPECT_THAT(error.remedy(), HasSubstr("15 to 18"));
}

TEST(ChooseInstallation, RefusesWhenOnlyUnsupportedOnesAreThere) {
  const auto error = error_of([] { return choose_installation({installed(140011)}, std::nullopt); });
  EXPECT_EQ(error.kind(), ErrorKind::unsupported);
  EXPECT_THAT(error.what(), HasSubstr("14.11"));
}

TEST(ChooseInstallation, SaysHowToGetTheAbsentMajor) {
  const auto error = error_of([] { return choose_installation({installed(150018)}, 17); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_THAT(error.remedy(), HasSubstr("apt-get install postgresql-17"));
}

TEST(ChooseInstallation, SaysHowToGetOneWhenNoneIsThere) {
  const auto error = error_of([] { return choose_installation({}, std::nullopt); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_THAT(error.remedy(), HasSubstr("apt-get install postgresql"));
}

TEST(FindInstallations, NamesTheProgramThatTheDirectoryLacks) {
  const auto error = error_of([] { return find_installations("/usr/lib"); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_STREQ(error.what(), "no postgres in /usr/lib");
}

TEST(RequireProgram, NamesTheProgramAndTheAptLine) {
  const auto error = error_of([] { return require_program(installed(150018), "pg_amcheck"); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_THAT(error.what(), HasSubstr("pg_amcheck of PostgreSQL 15"));
  EXPECT_THAT(error.remedy(), HasSubstr("postgresql-"));
}

}  // namespace
}  // namespace harness::server
