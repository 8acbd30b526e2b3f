// Small scenarios for drills that a test runs: the least dataset, loads of a moment, no more checks than the test is
// about; and the run of several by the executable, once for all tests of a suite.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"
#include "tests/pg/drill/lifeboat_command.hpp"

namespace harness::drill {

struct WrittenScenario {
  std::string name;
  std::string timeline;                    // YAML list items, one a line, each indented by two
  std::string restore;                     // the inside of the braces
  std::string verify = "ledger, content";  // empty: neither checks nor objectives
  std::string rpo = "0s";
  bool prove = false;
  std::map<std::string, std::string> sql{};  // files beside it: name → content
};

// `lifeboat run` of all of them, two at a time.
class SuiteRun : public LifeboatCommand {
 public:
  explicit SuiteRun(const std::vector<WrittenScenario>& scenarios);
  void TestBody() override {}

  [[nodiscard]] reports::record::Report report(const std::string& scenario) const;
  // The first of its journal with that name; fails the test and is empty where there is none.
  [[nodiscard]] reports::record::JournalEvent event(const std::string& scenario, const std::string& name) const;
  [[nodiscard]] std::filesystem::path directory_of(const std::string& scenario) const;
  // The exit code of `lifeboat judge` over its directory.
  [[nodiscard]] int judged_again(const std::string& scenario) const;
  [[nodiscard]] std::string log(const std::string& scenario, const std::string& name) const;

  int code = -1;
  std::string words;
  std::vector<std::string> left_processes;
};

}  // namespace harness::drill
