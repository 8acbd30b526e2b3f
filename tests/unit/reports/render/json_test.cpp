#include "tests/support/places.hpp"
#include "tests/unit/reports/render/golden.hpp"
#include "tests/unit/reports/render/sample_reports.hpp"

namespace reports::render {
namespace {

TEST(ReportJson, IsWhatItWasForEachKindOfDrill) {
  expect_golden("pass.json", to_json(passing_report()));
  expect_golden("fail.json", to_json(failing_report()));
  expect_golden("unknown.json", to_json(unknown_report()));
  expect_golden("empty.json", to_json(empty_report()));
  expect_golden("repeated.json", to_json(repeated_report()));
}

TEST(ReportJson, OfTheGoldenFilesIsStillRead) {
  for (const char* name : {"pass", "fail", "unknown", "empty", "repeated"}) {
    const auto file = tests::source_directory() / "fixtures/golden/reports" / (std::string(name) + ".json");
    expect_golden(std::string(name) + ".json", to_json(record::read_report(file)));
  }
}

}  // namespace
}  // namespace reports::render
