#include "reports/render/html.hpp"

#include <gmock/gmock.h>

#include "reports/render/index_page.hpp"
#include "tests/unit/reports/render/golden.hpp"
#include "tests/unit/reports/render/markup.hpp"
#include "tests/unit/reports/render/sample_reports.hpp"

namespace reports::render {
namespace {

using testing::HasSubstr;
using testing::Not;

Element read_html(const std::string& text) {
  return read_markup(text, {"meta"}, {"style"});
}

// Everything that could make a browser ask for something.
void expect_offline(const std::string& text) {
  const auto root = read_html(text);
  for (const char* name : {"script", "link", "img", "iframe", "object", "embed", "form", "base", "audio", "video"}) {
    EXPECT_TRUE(root.all(name).empty()) << name;
  }
  EXPECT_THAT(text, Not(HasSubstr("http://")));
  EXPECT_THAT(text, Not(HasSubstr("https://")));
  const auto& style = root.all("style").at(0)->text;
  EXPECT_THAT(style, Not(HasSubstr("url(")));
  EXPECT_THAT(style, Not(HasSubstr("@import")));
}

std::vector<record::Report> every_report() {
  return {passing_report(), failing_report(), unknown_report(), empty_report(),   pitr_report(),
          partial_report(), refused_report(), swept_report(),   repeated_report()};
}

TEST(Html, IsWhatItWasForEachKindOfDrill) {
  const std::vector<record::JournalEvent> journal{
      {"2026-11-20T02:15:00.000000Z", "drill.begin", {{"scenario", "full-after-server-loss"}, {"seed", "4711"}}},
      {"2026-11-20T02:15:14.900000Z", "disaster.struck", {{"kind", "<lose_data_directory>"}}}};
  expect_golden("pass.html", html(passing_report(), journal));
  expect_golden("fail.html", html(failing_report()));
  expect_golden("unknown.html", html(unknown_report()));
  expect_golden("empty.html", html(empty_report()));
  expect_golden("pitr.html", html(pitr_report(), pitr_journal()));
  expect_golden("partial.html", html(partial_report(), partial_journal()));
  expect_golden("refused.html", html(refused_report(), pitr_journal()));
  expect_golden("repeated.html", html(repeated_report()));
  expect_golden("swept.html", html(swept_report(), pitr_journal()));
}

TEST(Html, DrawsEveryPointOfASweepAndSaysWhatItIs) {
  const auto text = html(swept_report());
  const auto root = read_html(text);
  std::size_t drawn = 0;
  for (const auto* const group : root.all("g")) {
    if (group->all("title").empty() || group->all("title").at(0)->text.find("at 0/") == std::string::npos) continue;
    ++drawn;
  }
  EXPECT_EQ(drawn, 6U);
  EXPECT_THAT(text, HasSubstr("Sweep over the WAL: 4 of 6 points exact"));
  EXPECT_THAT(text, HasSubstr("after commit, prefix, at 0/1A000128: 30,108 expected, 1 missing, 0 extra; not exact"));
  EXPECT_THAT(text, HasSubstr("not judged, the recovery that it shares had ended before"));
  EXPECT_THAT(text, HasSubstr("time, exclusive"));
  EXPECT_THAT(html(pitr_report()), Not(HasSubstr("Sweep over the WAL")));
}

TEST(Html, LoadsNothingAndRunsNothing) {
  for (const auto& report : every_report()) {
    const auto text = html(report, pitr_journal());
    expect_offline(text);
    EXPECT_THAT(text, HasSubstr("content=\"default-src 'none'; style-src 'sha256-"));
  }
}

TEST(Html, AnswersTheThreeQuestionsFirst) {
  const auto root = read_html(html(passing_report()));
  std::vector<std::string> answers;
  for (const auto* const section : root.all("section")) {
    if (section->attributes.contains("class")) answers.push_back(section->whole_text());
  }
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_THAT(answers[0], HasSubstr("Can we recover? Yes"));
  EXPECT_THAT(answers[1], HasSubstr("How fast? 4.26 s"));
  EXPECT_THAT(answers[2],
              HasSubstr("What would we lose? 2 transactions 3.1 ms of work. 61,312 had been acknowledged."));
  EXPECT_EQ(root.all("h1").size(), 1U);
}

TEST(Html, ShowsHostileTextAsTextAndNeverAsATemplate) {
  const auto root = read_html(html(failing_report()));
  EXPECT_THAT(root.whole_text(), HasSubstr("</style><script>alert(1)</script> {{tool}} {{{style}}} bytes"));
  EXPECT_EQ(root.all("h1").at(0)->text,
            "restore <b>\"quoted\"</b> & 'more' with a name that goes on and on and on and on and on");
}

TEST(Html, SaysWhyItIsNotAPassAndOnlyThen) {
  EXPECT_THAT(html(failing_report()), HasSubstr("Why this is not a pass"));
  EXPECT_THAT(html(empty_report()), HasSubstr("Nothing was checked, so nothing is proven."));
  EXPECT_THAT(html(passing_report()), Not(HasSubstr("Why this is not a pass")));
}

TEST(Html, DrawsTheProofOfTheChecksAsAMatrix) {
  auto report = passing_report();
  EXPECT_THAT(html(report), Not(HasSubstr("Would the checks have noticed?")));
  report.proof = {{"content", "untouched", "pass", "pass"},
                  {"content", "row_lost", "fail", "fail"},
                  {"amcheck", "row_lost", "pass", "pass"},
                  {"amcheck", "duplicated_row", "fail", "pass: it found other harm"},
                  {"content", "duplicated_row", "fail", "unknown: <b>"}};
  report.checks.front().proven_by = {"row_lost", "table_missing"};
  const auto text = html(report);
  const auto words = read_html(text).whole_text();
  EXPECT_THAT(words, HasSubstr("Sabotage of a copy  content  amcheck"));
  EXPECT_THAT(words, HasSubstr("untouched  ✓  passes"));
  EXPECT_THAT(words, HasSubstr("row_lost  ✓  noticed  ○  blind"));
  EXPECT_THAT(words, HasSubstr("duplicated_row  ?  unknown  ✗  unnoticed"));
  EXPECT_THAT(words, HasSubstr("Proven by row_lost, table_missing"));
}

TEST(Html, ShowsNoMoreFindingsThanAPersonReads) {
  const auto text = html(failing_report());
  EXPECT_THAT(text, HasSubstr("and 12 more in report.json"));
  EXPECT_THAT(text, HasSubstr("62 findings"));
}

TEST(Html, SaysTargetWhatWasReachedAndWhatWasGivenUpOnTheFirstScreen) {
  const auto text = html(pitr_report(), pitr_journal());
  const auto facts = read_html(text.substr(0, text.find("<section>\n<h2>Timeline")) + "</main></body></html>");
  const auto words = facts.whole_text();
  EXPECT_THAT(words, HasSubstr("Disaster drop_table, 2026-11-20 02:15:12.400 UTC: shop.orders was dropped"));
  EXPECT_THAT(words, HasSubstr("Restore pitr, recovered"));
  EXPECT_THAT(words, HasSubstr("Target mark before-drop"));
  EXPECT_THAT(words, HasSubstr("Reached 0/2B4A7D18; last commit 2026-11-20 02:15:12.098 UTC, xid 61877"));
  EXPECT_THAT(words, HasSubstr("yes: all 60,108 commits, none extra (witness pg_receivewal)"));
  EXPECT_THAT(words, HasSubstr("Given up past the target 1,204 transactions, 0.30 s of work"));
}

TEST(Html, SaysWhatTheEngineNotedOfTheRestore) {
  auto report = pitr_report();
  EXPECT_THAT(read_html(html(report)).whole_text(), Not(HasSubstr("Note")));
  report.restores.back().notes = {"a caveat: the database \"<b>\" was made while the backup was taken", "another"};
  const auto words = read_html(html(report)).whole_text();
  EXPECT_THAT(words, HasSubstr("Note a caveat: the database \"<b>\" was made while the backup was taken"));
  EXPECT_THAT(words, HasSubstr("Note another"));
}

TEST(Html, GivesEveryTableHeadersAndEveryVerdictAWord) {
  const auto root = read_html(html(failing_report()));
  for (const auto* const table : root.all("table")) EXPECT_FALSE(table->all("th").empty());
  for (const auto* const header : root.all("th")) EXPECT_TRUE(header->attributes.contains("scope"));
  for (const auto* const badge : root.all("span")) {
    if (badge->attributes.at("class").starts_with("badge")) {
      EXPECT_THAT(badge->text, testing::ContainsRegex("PASS|FAIL|UNKNOWN"));
    }
  }
}

TEST(IndexPage, IsWhatItWas) {
  expect_golden("index.html", index_html({{passing_report(), "full-after-server-loss/20261120T021500Z/report.html"},
                                          {failing_report(), "java:script/a b&\"<>#?%/report.html"},
                                          {unknown_report(), "full-to-backup-point/20261120T041500Z/report.html"},
                                          {empty_report(), "broken/20261120T051500Z/report.html"}}));
}

TEST(IndexPage, LinksEachDrillSafelyAndCountsThem) {
  const auto text = index_html({{passing_report(), "a/report.html"}, {failing_report(), "x:y/a b\"#.html"}});
  expect_offline(text);
  const auto root = read_html(text);
  EXPECT_EQ(root.all("a").at(0)->attributes.at("href"), "./a/report.html");
  EXPECT_EQ(root.all("a").at(1)->attributes.at("href"), "./x%3Ay/a%20b%22%23.html");
  EXPECT_EQ(root.all("h1").at(0)->text, "1 of 2 drills passed");
}

TEST(IndexPage, OfNoDrillsIsNoPass) {
  EXPECT_THAT(index_html({}), HasSubstr("UNKNOWN"));
}

}  // namespace
}  // namespace reports::render
