#include "tests/pg/drill/written_scenario.hpp"

#include <fmt/format.h>

#include <fstream>

#include "backup_engine/base/file.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;

namespace {

void write_file(const std::filesystem::path& directory, const WrittenScenario& scenario) {
  std::filesystem::create_directories(directory);
  std::ofstream file(directory / (scenario.name + ".yaml"));
  file << fmt::format(R"(scenario: {}
claim: What a test wants to see.
source:
  provision: {{ dataset: ecommerce, scale: 1, checksums: true }}
  load: {{ writers: 3, rate: unlimited }}
  wal: {{ by: stream, synchronous: false }}
timeline:
{}restore: {{ {} }}
)",
                      scenario.name, scenario.timeline, scenario.restore);
  if (scenario.verify.empty()) return;
  file << fmt::format("verify: [{}]\nprove: {}\nobjectives: {{ rto: 120s, rpo: {} }}\n", scenario.verify,
                      scenario.prove, scenario.rpo);
  for (const auto& [name, text] : scenario.sql) std::ofstream(directory / name) << text;
}

}  // namespace

SuiteRun::SuiteRun(const std::vector<WrittenScenario>& scenarios) {
  for (const auto& scenario : scenarios) write_file(path("scenarios"), scenario);
  auto process = started({"run", path("scenarios").string(), "--out", out(), "--jobs", "2", "--seed", "11"}, "words");
  code = process.wait(base::Deadline::after(std::chrono::minutes(8))).code;
  words = base::read_file(path("words"));
  left_processes = processes();
}

record::Report SuiteRun::report(const std::string& scenario) const {
  return record::read_report(drill_directory(scenario) / "report.json");
}

record::JournalEvent SuiteRun::event(const std::string& scenario, const std::string& name) const {
  for (const auto& event : record::read_journal(drill_directory(scenario) / "journal.jsonl")) {
    if (event.event == name) return event;
  }
  ADD_FAILURE() << "the journal of " << scenario << " has no " << name;
  return {};
}

std::filesystem::path SuiteRun::directory_of(const std::string& scenario) const {
  return drill_directory(scenario);
}

int SuiteRun::judged_again(const std::string& scenario) const {
  return lifeboat({"judge", drill_directory(scenario).string(), "--out", path("judged-" + scenario).string()}).code;
}

std::string SuiteRun::log(const std::string& scenario, const std::string& name) const {
  return base::read_file(drill_directory(scenario) / "logs" / (name + ".log"));
}

}  // namespace harness::drill
