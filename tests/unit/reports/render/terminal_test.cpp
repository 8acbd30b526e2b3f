#include <gmock/gmock.h>

#include <sstream>

#include "reports/render/progress_line.hpp"
#include "reports/render/result_table.hpp"
#include "reports/render/text.hpp"
#include "tests/unit/reports/render/golden.hpp"
#include "tests/unit/reports/render/sample_reports.hpp"

namespace reports::render {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::vector<record::Report>& all_reports() {
  static const std::vector<record::Report> reports{passing_report(), failing_report(), unknown_report(), empty_report(),
                                                   pitr_report(),    partial_report(), refused_report()};
  return reports;
}

TEST(ResultTable, IsWhatItWas) {
  expect_golden("table.txt", result_table(all_reports(), {}));
  expect_golden("table.utf8.txt", result_table(all_reports(), {false, true, 120}));
}

TEST(ResultTable, NamesTheClusterThatADrillWasFilledFor) {
  auto report = passing_report();
  report.drill_id = report.scenario.name + "@main/20261120T021500Z";
  EXPECT_THAT(result_table({report}, {false, false, 160}), HasSubstr(report.scenario.name + "@main"));
  EXPECT_THAT(result_table({report}, {}), HasSubstr("...@main "));
}

TEST(ResultTable, HasColoursOnlyWhenAskedAndLetsNoEscapeSequenceThrough) {
  EXPECT_THAT(result_table(all_reports(), {}), Not(HasSubstr("\x1b")));
  auto report = failing_report();
  report.scenario.name = "\x1b]0;title\x07";
  const auto text = result_table({report}, {true, false, 100});
  EXPECT_THAT(text, HasSubstr("\x1b[1;31mFAIL\x1b[0m"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b]")));
}

TEST(ResultTable, IsAsciiUnlessTheTerminalIsUtf8) {
  for (const char c : result_table({passing_report(), unknown_report()}, {})) {
    ASSERT_LT(static_cast<unsigned char>(c), 0x80);
  }
}

TEST(ResultTable, KeepsItsRowsAlignedWithALongName) {
  std::istringstream lines(result_table(all_reports(), {false, true, 120}));
  std::string line;
  for (int row = 0; row < 9; ++row) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_LE(width_of(line), 120U) << line;
  }
}

TEST(ResultTable, NamesFailingChecksTheirFirstFindingsAndARemedy) {
  const auto text = result_table({failing_report()}, {});
  EXPECT_THAT(text, HasSubstr("FAIL content: 2 tables differ"));
  EXPECT_THAT(text, HasSubstr("shop.\"or<d>ers\" key 5d41402abc4b2a76: row is missing"));
  EXPECT_THAT(text, HasSubstr("and 59 more in report.json"));
  EXPECT_THAT(text, HasSubstr("the longest phase was replay with 81.5 s"));
  EXPECT_THAT(text, HasSubstr("/var/tmp/lifeboat-<x>/target"));
}

TEST(ResultTable, SaysTargetAndWhatWasGivenUpWhereARestoreHasATargetOfItsOwn) {
  EXPECT_THAT(result_table({pitr_report()}, {}),
              HasSubstr("\npitr-before-drop-table: pitr to mark before-drop, reached 0/2B4A7D18; given up: "
                        "1,204 transactions, 0.30 s of work\n"));
  EXPECT_THAT(result_table({refused_report()}, {}),
              HasSubstr("pitr to time 2026-11-19T02:15:00.000000Z, inclusive, refused\n"));
  EXPECT_THAT(result_table({passing_report()}, {}), Not(HasSubstr("the end of the WAL")));
}

TEST(ResultTable, BlamesNoPhaseBehindTheEndOfTheRtoForMissingIt) {
  auto report = failing_report();
  report.restores.back().rto.phases.push_back({"verified", "", 1000, {}});
  EXPECT_THAT(result_table({report}, {}), HasSubstr("the longest phase was replay with 81.5 s"));
}

TEST(ProgressLine, ShowsBarBytesRateAndTimeLeft) {
  EXPECT_EQ(progress_line({"fetch", 620'000'000, 1'000'000'000, 5}, {false, false, 100}),
            "fetch         [###################.............]   62 %  620.0 MB of 1.0 GB  124.0 MB/s  3.06 s left");
  EXPECT_EQ(progress_line({"fetch", 620'000'000, 1'000'000'000, 5}, {false, true, 100}),
            "fetch         ███████████████████▊░░░░░░░░░░░░   62 %  620.0 MB of 1.0 GB  124.0 MB/s  3.06 s left");
}

TEST(ProgressLine, FitsAnyWidth) {
  for (const bool utf8 : {false, true}) {
    for (unsigned columns = 0; columns < 140; ++columns) {
      for (const std::uint64_t done : {0ULL, 1ULL, 999'999'999ULL, 1'000'000'000ULL, 2'000'000'000ULL}) {
        const auto line =
            progress_line({"a phase with a rather long name", done, 1'000'000'000, 3.5}, {false, utf8, columns});
        ASSERT_LE(width_of(line), columns) << line;
      }
    }
  }
}

TEST(ProgressLine, SaysNoRateAndNoEndBeforeTheyAreKnown) {
  EXPECT_EQ(plain_progress_line({"fetch", 0, 1'000'000'000, 0}), "fetch: 0 B of 1.0 GB (0 %), 0.00 s");
  EXPECT_EQ(plain_progress_line({"replay", 5'000'000, 0, 2}), "replay: 5.0 MB, 2.5 MB/s, 2.00 s");
  EXPECT_EQ(plain_progress_line({"detect", 0, 0, 2}), "detect: 2.00 s");
}

TEST(ProgressLine, NeverShowsMoreThanAllOfIt) {
  EXPECT_EQ(plain_progress_line({"fetch", 1'200'000'000, 1'000'000'000, 4}),
            "fetch: 1.2 GB of 1.0 GB (100 %), 300.0 MB/s, 0.00 s left");
}

TEST(Printable, KeepsTextAndReplacesWhatIsNone) {
  EXPECT_EQ(printable("tab\tline\nü€𝄞"), "tab\tline\nü€𝄞");
  EXPECT_EQ(printable("a\r\nb\rc"),
            "a\nb\xef\xbf\xbd"
            "c");
  for (const std::string bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x1b", "\x7f",
                                "\xc2\x9b", "\xef\xbf\xbe", "\xe2\x80\xae", "\xe2\x81\xa6"}) {
    const auto text = printable("<" + bad + ">");
    EXPECT_THAT(text, testing::AllOf(testing::StartsWith("<\xef\xbf\xbd"), testing::EndsWith("\xbd>"))) << bad;
  }
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\xef\xbf\xbd");
}

TEST(Printable, IsCutBetweenCharacters) {
  EXPECT_EQ(cut_to_width("größer", 4, "…"), "grö…");
  EXPECT_EQ(cut_to_width("größer", 6, "…"), "größer");
  EXPECT_EQ(cut_to_width("größer", 1, "…"), "…");
}

}  // namespace
}  // namespace reports::render
