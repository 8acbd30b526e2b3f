// Every scenario of scenarios/nightly, drilled by the executable in one run: each must be proven, as its report.json
// says. Minutes rather than seconds, so CTest runs it only when asked: ctest -C nightly -L nightly.
#include <gmock/gmock.h>

#include <algorithm>

#include "backup_engine/base/file.hpp"
#include "harness/scenario/disaster_kinds.hpp"
#include "harness/scenario/language.hpp"
#include "reports/record/report.hpp"
#include "tests/pg/drill/lifeboat_command.hpp"

namespace harness::drill {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
namespace record = reports::record;
using record::Verdict;
using testing::IsEmpty;

std::vector<std::string> nightly_scenarios() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(source_path("scenarios/nightly"))) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Night : LifeboatCommand {
  Night() {
    auto process =
        started({"run", source_path("scenarios/nightly"), "--out", out(), "--jobs", "2", "--keep", "never"}, "words");
    const auto pid = process.pid();
    code = process.wait(base::Deadline::after(std::chrono::minutes(45))).code;
    words = base::read_file(path("words"));
    left_processes = processes();
    left_directories = directories_made_by(pid);
  }
  using LifeboatCommand::drill_directory;
  void TestBody() override {}

  int code = -1;
  std::string words;
  std::vector<std::string> left_processes;
  std::vector<fs::path> left_directories;
};

// Drilled once for all tests.
const Night& night() {
  static const Night drilled;
  return drilled;
}

record::Report report_of(const std::string& scenario) {
  return record::read_report(night().drill_directory(scenario) / "report.json");
}

TEST(NightlyScenarios, EndWellAndLeaveNothingBehind) {
  EXPECT_EQ(night().code, 0) << night().words;
  EXPECT_THAT(night().left_processes, IsEmpty());
  EXPECT_THAT(night().left_directories, IsEmpty());
}

class NightlyScenario : public testing::TestWithParam<std::string> {};

std::string verdict_text(const record::Check& check) {
  std::string text = check.name + ": " + std::string(to_string(check.verdict)) + ": " + check.summary;
  for (const auto& finding : check.findings) text += "\n  " + finding.object + " " + finding.key + " " + finding.text;
  return text + "\n";
}

TEST_P(NightlyScenario, IsProven) {
  const auto report = report_of(GetParam());
  EXPECT_EQ(report.verdict, Verdict::pass);
  EXPECT_FALSE(report.checks.empty());
  for (const auto& check : report.checks) EXPECT_EQ(check.verdict, Verdict::pass) << verdict_text(check);
  ASSERT_FALSE(report.restores.empty());
  const auto& restore = report.restores.back();
  EXPECT_EQ(restore.outcome, restore.expected.outcome);
  EXPECT_EQ(restore.reason, restore.expected.reason);
  if (restore.outcome == "recovered") {
    EXPECT_EQ(restore.rto.met, true);
    EXPECT_EQ(restore.rpo.met, true);
  }
  EXPECT_EQ(report.cleanup.verdict, Verdict::pass);
  EXPECT_THAT(report.cleanup.left_behind, IsEmpty());
}

// A partial restore is held to the rows of its tables at the mark, any other to the commits of the witness WAL.
TEST_P(NightlyScenario, HoldsExactlyTheCommitsThatTheTargetAsksFor) {
  const auto report = report_of(GetParam());
  ASSERT_FALSE(report.restores.empty());
  const auto& restore = report.restores.back();
  if (restore.expected.outcome == "refused") {
    EXPECT_EQ(restore.exact.met, std::nullopt) << "nothing is to come back";
    return;
  }
  EXPECT_EQ(restore.exact.met, true);
  EXPECT_EQ(restore.exact.missing, 0U);
  EXPECT_EQ(restore.exact.extra, 0U);
  EXPECT_EQ(restore.exact.witness, restore.kind == "partial" ? "mark" : "pg_receivewal");
}

std::vector<std::string> backup_sources(const scenario::Scenario& scenario) {
  std::vector<std::string> sources;
  for (const auto& step : scenario.timeline) {
    const auto* const backup = std::get_if<scenario::BackupStep>(&step.what);
    if (backup != nullptr) sources.emplace_back(backup->by == scenario::BackupMethod::files ? "files" : "stream");
  }
  return sources;
}

std::vector<std::string> disaster_kinds(const scenario::Scenario& scenario) {
  std::vector<std::string> kinds;
  for (const auto& step : scenario.timeline) {
    const auto* const disaster = std::get_if<scenario::DisasterStep>(&step.what);
    if (disaster != nullptr) kinds.push_back(disaster->kind);
  }
  const auto& second = scenario.restore.struck_by;
  if (second) kinds.emplace_back(*second == scenario::SecondDisaster::kill_server ? "kill_server" : "kill_restore");
  return kinds;
}

std::string word_of(scenario::TargetKind kind) {
  for (const auto& word : scenario::target_words) {
    if (word.meaning == kind) return std::string(word.text);
  }
  for (const auto& word : scenario::point_words) {
    if (word.meaning == kind) return std::string(word.text);
  }
  return "no word";
}

// A drill that quietly did something easier than its scenario says would pass as well.
TEST_P(NightlyScenario, DoesWhatItSays) {
  const auto file = source_path("scenarios/nightly") / (GetParam() + ".yaml");
  const auto report = report_of(GetParam());
  const auto scenario = scenario::parse_scenario(file, source_path("fixtures"), {}, report.seed);
  std::vector<std::string> sources, kinds;
  for (const auto& backup : report.backups) sources.push_back(backup.source);
  for (const auto& disaster : report.disasters) kinds.push_back(disaster.kind);
  EXPECT_EQ(sources, backup_sources(scenario));
  EXPECT_EQ(kinds, disaster_kinds(scenario));
  ASSERT_FALSE(report.restores.empty());
  const auto& target = report.restores.back().target;
  EXPECT_EQ(target.inclusive, scenario.restore.target.inclusive);
  EXPECT_EQ(target.type, word_of(scenario.restore.target.kind));
  const auto added = std::count_if(report.checks.begin(), report.checks.end(), [](const auto& check) {
    const auto& name = check.name;  // judged without being asked for
    return name == "commit_order" || name == "isolation" || name == "roll_back" || name == "sweep";
  });
  EXPECT_EQ(report.checks.size() - static_cast<std::size_t>(added),
            scenario.verify.empty() ? 1 : scenario.verify.size());  // the outcome alone
  EXPECT_EQ(report.sweep.has_value(), scenario.restore.kind == scenario::RestoreKind::pitr_sweep);
  const auto& steps = scenario.timeline;
  // What leaves the source as it is makes no later backup useless.
  const auto has_harm = [](const auto& step) {
    const auto* const disaster = std::get_if<scenario::DisasterStep>(&step.what);
    const auto effect = disaster == nullptr ? std::nullopt : scenario::effect_of(disaster->kind);
    return effect == scenario::Effect::ends_server || effect == scenario::Effect::changes_data;
  };
  const auto harm = std::find_if(steps.begin(), steps.end(), has_harm);
  const auto taken_before = static_cast<std::size_t>(std::count_if(
      steps.begin(), harm, [](const auto& step) { return std::holds_alternative<scenario::BackupStep>(step.what); }));
  ASSERT_LE(taken_before, report.backups.size());
  for (auto i = taken_before; i < report.backups.size(); ++i) {
    EXPECT_NE(report.restores.back().backup_label, report.backups[i].label) << "taken when the harm was done";
  }
}

std::string title_of(const testing::TestParamInfo<std::string>& scenario) {
  auto title = scenario.param;
  std::replace(title.begin(), title.end(), '-', '_');
  return title;
}

INSTANTIATE_TEST_SUITE_P(Drilled, NightlyScenario, testing::ValuesIn(nightly_scenarios()), title_of);

}  // namespace
}  // namespace harness::drill
