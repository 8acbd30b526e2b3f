#include "reports/render/junit.hpp"

#include <gmock/gmock.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/unit/reports/render/golden.hpp"
#include "tests/unit/reports/render/markup.hpp"
#include "tests/unit/reports/render/sample_reports.hpp"

namespace reports::render {
namespace {

using record::Verdict;
using testing::HasSubstr;

const Element& case_named(const Element& root, std::string_view name) {
  for (const auto* const test : root.all("testcase")) {
    if (test->attributes.at("name") == name) return *test;
  }
  throw std::runtime_error("no test case " + std::string(name));
}

TEST(JUnit, IsWhatItWasForEachKindOfDrill) {
  expect_golden("pass.junit.xml", junit(passing_report()));
  expect_golden("fail.junit.xml", junit(failing_report()));
  expect_golden("unknown.junit.xml", junit(unknown_report()));
  expect_golden("empty.junit.xml", junit(empty_report()));
  expect_golden("pitr.junit.xml", junit(pitr_report()));
  expect_golden("partial.junit.xml", junit(partial_report()));
  expect_golden("refused.junit.xml", junit(refused_report()));
}

TEST(JUnit, ShowsEveryCheckAndPromiseAsACaseThatPasses) {
  const auto root = read_markup(junit(passing_report()));
  EXPECT_EQ(root.name, "testsuites");
  for (const char* name : {"restore", "rto", "rpo", "exactness", "ledger", "commit_order", "content", "page_checksums",
                           "amcheck", "constraints", "cleanup"}) {
    const auto& test = case_named(root, name);
    EXPECT_TRUE(test.all("failure").empty() && test.all("error").empty()) << name;
  }
  EXPECT_EQ(root.attributes.at("failures"), "0");
  EXPECT_EQ(root.attributes.at("errors"), "0");
  EXPECT_EQ(case_named(root, "rto").attributes.at("time"), "4.260");
  EXPECT_EQ(root.all("testsuite").at(0)->attributes.at("time"), "24.350");
}

TEST(JUnit, SaysTargetWhatWasReachedAndWhatWasGivenUp) {
  EXPECT_EQ(
      case_named(read_markup(junit(partial_report())), "restore").all("system-out").at(0)->text,
      "recovered from backup 20261120T021508Z-incr; target: time 2026-11-20T02:15:12.150000Z, exclusive; reached: "
      "0/2B4A7D18; last commit 2026-11-20 02:15:12.098 UTC, xid 61877; given up past the target: 1,204 transactions, "
      "0.30 s of work");
}

TEST(JUnit, TellsFailureFromErrorAndKeepsHostileTextAsText) {
  const auto root = read_markup(junit(failing_report()));
  const auto& failure = *case_named(root, "content").all("failure").at(0);
  EXPECT_THAT(failure.text, HasSubstr("shop.\"or<d>ers\" key 5d41402abc4b2a76"));
  EXPECT_THAT(failure.text, HasSubstr("bytes \xef\xbf\xbd( nul \xef\xbf\xbd end"));
  EXPECT_EQ(case_named(root, "amcheck").all("error").size(), 1U);
  EXPECT_EQ(case_named(root, "rto").all("failure").size(), 1U);
  EXPECT_EQ(case_named(root, "rpo").all("failure").size(), 1U);
  EXPECT_EQ(case_named(root, "exactness").all("failure").size(), 1U);
  EXPECT_EQ(case_named(root, "cleanup").all("error").size(), 1U) << "a dirty cleanup is no failure of the recovery";
  EXPECT_EQ(root.attributes.at("failures"), "4");
  EXPECT_EQ(root.attributes.at("errors"), "2");
}

TEST(JUnit, IsNeverGreenForADrillThatBroke) {
  const auto root = read_markup(junit(empty_report()));
  EXPECT_EQ(root.all("failure").size(), 0U);
  EXPECT_EQ(root.all("error").size(), root.all("testcase").size()) << "nothing is known, so nothing passes";
}

TEST(JUnit, PassesNoPromiseOfARestoreThatFailed) {
  auto report = passing_report();
  auto& restore = report.restores.back();
  restore.outcome = "failed";
  restore.rto = {};
  restore.rpo = {};
  restore.exact = {};
  const auto root = read_markup(junit(report));
  EXPECT_EQ(case_named(root, "restore").all("failure").size(), 1U);
  for (const char* name : {"rto", "rpo", "exactness"}) {
    EXPECT_EQ(case_named(root, name).all("error").size(), 1U) << name;
  }
}

TEST(JUnit, IsNeverGreenWhenTheReportIsNot) {
  auto report = passing_report();
  report.verdict = Verdict::unknown;
  EXPECT_EQ(case_named(read_markup(junit(report)), "drill").all("error").size(), 1U);
}

TEST(JUnit, SumsARunOfSeveralDrills) {
  const auto root = read_markup(junit_suite({passing_report(), failing_report(), empty_report()}));
  EXPECT_EQ(root.all("testsuite").size(), 3U);
  EXPECT_EQ(root.attributes.at("tests"), std::to_string(root.all("testcase").size()));
  EXPECT_EQ(root.attributes.at("failures"), std::to_string(root.all("failure").size()));
  EXPECT_EQ(root.attributes.at("errors"), std::to_string(root.all("error").size()));
}

TEST(JUnit, SaysWhichDrillAndSeedItWas) {
  std::map<std::string, std::string> properties;
  const auto root = read_markup(junit(passing_report()));
  for (const auto* const property : root.all("property")) {
    properties[property->attributes.at("name")] = property->attributes.at("value");
  }
  EXPECT_EQ(properties.at("drill_id"), "full-after-server-loss/20261120T021500Z");
  EXPECT_EQ(properties.at("seed"), "4711");
}

}  // namespace
}  // namespace reports::render
