#include "reports/render/markdown.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "reports/render/markdown_text.hpp"
#include "tests/unit/reports/render/golden.hpp"
#include "tests/unit/reports/render/sample_reports.hpp"

namespace reports::render {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Cells of a table's row: what stands between pipes that no backslash precedes.
std::size_t cells_of(const std::string& row) {
  std::size_t pipes = 0;
  for (std::size_t at = 0; at < row.size(); ++at) {
    if (row[at] == '\\') {
      ++at;
    } else if (row[at] == '|') {
      ++pipes;
    }
  }
  return pipes - 1;
}

TEST(Markdown, HoldsTheObjectiveAgainstEveryRepeat) {
  const auto text = markdown(repeated_report());
  EXPECT_THAT(text, HasSubstr("Objective 60.0 s: met by 2 of 3 repeats; the slowest took 71.2 s."));
  EXPECT_THAT(text, HasSubstr("| RTO, from the disaster to writable | 4.26 s | at most 60.0 s | ✗ FAIL |"));
  EXPECT_THAT(text, HasSubstr("Repeat 2: Recovery took 71.2 s; 60.0 s was promised."));
  auto unpromised = repeated_report();
  for (auto& restore : unpromised.restores) {
    restore.rto.objective_seconds.reset();
    restore.rto.met.reset();
  }
  EXPECT_THAT(markdown(unpromised), HasSubstr("No objective was promised. The slowest of 3 repeats took 71.2 s."));
  EXPECT_THAT(markdown(passing_report()), Not(HasSubstr("repeat")));
}

TEST(Markdown, DrawsTheProofOfTheChecksAsAMatrix) {
  auto report = passing_report();
  EXPECT_THAT(markdown(report), testing::Not(HasSubstr("Proof that the checks can fail")));
  report.proof = {{"content", "row_lost", "fail", "fail"}, {"sql a|b.sql", "row_lost", "fail", "pass"}};
  const auto text = markdown(report);
  EXPECT_THAT(text, HasSubstr("\n| --- | --- | --- |\n| row_lost | ✓ noticed | ✗ unnoticed |\n"));
}

TEST(Markdown, IsWhatItWasForEachKindOfDrill) {
  expect_golden("pass.md", markdown(passing_report()));
  expect_golden("fail.md", markdown(failing_report()));
  expect_golden("unknown.md", markdown(unknown_report()));
  expect_golden("empty.md", markdown(empty_report()));
  expect_golden("pitr.md", markdown(pitr_report()));
  expect_golden("partial.md", markdown(partial_report(), partial_journal()));
  expect_golden("refused.md", markdown(refused_report()));
  expect_golden("swept.md", markdown(swept_report()));
  expect_golden("repeated.md", markdown(repeated_report()));
}

TEST(Markdown, SaysVerdictAndTheThreeAnswersFirst) {
  const auto lines = lines_of(markdown(passing_report()));
  EXPECT_EQ(lines.at(0), "## ✓ PASS: full-after-server-loss");
  EXPECT_THAT(lines.at(6), StartsWith("| Can we recover? | **Yes** |"));
  EXPECT_THAT(lines.at(7), StartsWith("| How fast? | **4.26 s** | Objective 60.0 s: met. |"));
  EXPECT_THAT(lines.at(8), StartsWith("| What would we lose? | **2 transactions** |"));
}

// A row with another number of cells, or a blank line between rows, would end the table.
TEST(Markdown, KeepsItsTablesWholeWhateverStandsInThem) {
  auto report = failing_report();
  report.checks[0].name = "a|b";
  report.checks[0].summary = "one \\| two | three\n| --- |\n\n# four `|` five";
  report.backups[0].label = "``|``";
  for (const auto& shown : {report, passing_report(), unknown_report(), empty_report()}) {
    std::size_t columns = 0;
    for (const auto& line : lines_of(markdown(shown))) {
      if (!line.starts_with('|')) {
        columns = 0;
        continue;
      }
      if (columns == 0) columns = cells_of(line);
      EXPECT_EQ(cells_of(line), columns) << line;
      EXPECT_TRUE(line.ends_with('|')) << line;
    }
  }
}

TEST(Markdown, HasNoHtmlButItsOwn) {
  for (auto line : lines_of(markdown(failing_report()))) {
    for (const std::string own : {"<details open>", "<details>", "</details>", "<summary>", "</summary>"}) {
      for (auto at = line.find(own); at != std::string::npos; at = line.find(own)) line.erase(at, own.size());
    }
    EXPECT_THAT(line, Not(HasSubstr("<")));
  }
}

TEST(Markdown, CutsFindingsAndLongTextsSoThatItFitsAComment) {
  auto report = failing_report();
  report.scenario.claim = std::string(100'000, '$');
  report.checks[2].summary = std::string(100'000, '|');
  for (auto& finding : report.checks[2].findings) finding.text = std::string(100'000, '<');
  const auto text = markdown(report);
  EXPECT_LT(text.size(), 65'536U);
  EXPECT_THAT(text, HasSubstr("content: 62 findings"));
  EXPECT_THAT(text, HasSubstr("- and 52 more in report.json"));
}

TEST(Markdown, SaysWhyItIsNotAPassAndOnlyThen) {
  EXPECT_THAT(markdown(failing_report()), HasSubstr("### Why this is not a pass\n\n- **✗ FAIL** rto: Recovery took"));
  EXPECT_THAT(markdown(empty_report()), HasSubstr("Nothing was checked, so nothing is proven."));
  EXPECT_THAT(markdown(passing_report()), Not(HasSubstr("not a pass")));
}

TEST(Markdown, SaysTargetWhatWasReachedAndWhatWasGivenUp) {
  const auto text = markdown(partial_report(), partial_journal());
  EXPECT_THAT(text, HasSubstr("- **Brought back**: shop.orders, shop.order_items\n"));
  EXPECT_THAT(text, HasSubstr("- **Restore**: partial, recovered\n"));
  EXPECT_THAT(text, HasSubstr("- **Target**: time 2026-11-20T02:15:12.150000Z, exclusive\n"));
  EXPECT_THAT(text, HasSubstr("- **Given up past the target**: 1,204 transactions, 0.30 s of work\n"));
}

TEST(Markdown, HasATableOfASweepByWhatItsPointsHaveInCommon) {
  const auto text = markdown(swept_report());
  EXPECT_THAT(text, HasSubstr("Sweep over the WAL: ✗ 4 of 6 points exact"));
  EXPECT_THAT(text, HasSubstr("| after commit | prefix | ✗ FAIL | 1 | 0 | 1 | 0 |"));
  EXPECT_THAT(text, HasSubstr("| last record | prefix | ? UNKNOWN | 1 | 0 | 0 | 0 |"));
}

TEST(Markdown, SaysWhatTheEngineNotedOfTheRestore) {
  auto report = pitr_report();
  EXPECT_THAT(markdown(report), Not(HasSubstr("**Note**")));
  report.restores.back().notes = {"a caveat: the database \"<b>\" was made"};
  EXPECT_THAT(markdown(report), HasSubstr("- **Note**: a caveat: the database \"&lt;b&gt;\" was made\n"));
}

TEST(MarkdownText, ShowsMarkupAsText) {
  EXPECT_EQ(markdown_escaped("a*b* `c` [d](e) ~f~ x|y \\ <b> & _g_"),
            "a\\*b\\* \\`c\\` \\[d\\](e) \\~f\\~ x\\|y \\\\ &lt;b&gt; &amp; \\_g\\_");
  EXPECT_EQ(markdown_escaped("lose_data_directory"), "lose_data_directory");
}

TEST(MarkdownText, BeginsNoBlock) {
  EXPECT_EQ(markdown_escaped("# no heading"), "\\# no heading");
  EXPECT_EQ(markdown_escaped("  - no item"), "\\- no item");
  EXPECT_EQ(markdown_escaped("+ no item"), "\\+ no item");
  EXPECT_EQ(markdown_escaped("=== no underline"), "\\=== no underline");
  EXPECT_EQ(markdown_escaped("12. no item"), "12\\. no item");
  EXPECT_EQ(markdown_escaped("12) no item"), "12\\) no item");
  EXPECT_EQ(markdown_escaped("4.26 s"), "4.26 s");
  EXPECT_EQ(markdown_escaped("> no quote"), "&gt; no quote");
  EXPECT_EQ(markdown_escaped("one\r\n\n# two"), "one  \\# two");
  EXPECT_EQ(markdown_escaped("\t    no code"), "no code");
}

TEST(MarkdownText, CallsNobodyAndLinksNothing) {
  EXPECT_EQ(markdown_escaped("@ops a@b.org"), "@&#8203;ops a@&#8203;b.org");
  EXPECT_EQ(markdown_escaped("closes #12"), "closes \\#&#8203;12");
  EXPECT_EQ(markdown_escaped("https://a.b WWW.a.b"), "https:&#8203;//a.b WWW&#8203;.a.b");
  EXPECT_EQ(markdown_escaped("$x$"), "<span>$</span>x<span>$</span>");
}

TEST(MarkdownText, KeepsEveryOtherCharacter) {
  EXPECT_EQ(markdown_escaped("größer (50 %), \"x\" + 'y' = {z}; 1-2: 0/2B4A7D18!"),
            "größer (50 %), \"x\" + 'y' = {z}; 1-2: 0/2B4A7D18!");
  EXPECT_EQ(markdown_escaped("\xff\x1b"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(markdown_escaped(""), "");
}

}  // namespace
}  // namespace reports::render
