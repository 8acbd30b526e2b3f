// The commands of docs/ci, run word by word as their runners would, in a checked-out tree. It differs from the real one
// in two things: its release preset is already built (it is the executable under test), and its smoke scenarios are
// few.
#include <gmock/gmock.h>

#include <cstdlib>

#include "backup_engine/base/file.hpp"
#include "harness/process/subprocess.hpp"
#include "tests/pg/drill/lifeboat_command.hpp"
#include "tests/support/places.hpp"
#include "tests/unit/ci/ci_snippets.hpp"

namespace docs {
namespace {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
namespace process = harness::process;
using harness::drill::source_path;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto passing = "full-after-server-loss", failing = "objective-cannot-be-met";

class CheckedOut : public harness::drill::LifeboatCommand {
 protected:
  CheckedOut() : tree_(path("tree")) {
    fs::create_directories(tree_ / "scenarios/smoke");
    for (const char* program : {"drill.sh", "setup.sh"}) fs::copy_file(source_path(program), tree_ / program);
    fs::create_directory_symlink(source_path("fixtures"), tree_ / "fixtures");
    fs::create_directories(tree_ / "build/release");
    fs::create_symlink(tests::lifeboat_program(), tree_ / "build/release/lifeboat");
    base::write_file_atomically(tree_ / "build/release/build.ninja", "build lifeboat: phony\ndefault lifeboat\n");
  }

  void add_scenario(const std::string& file) {
    fs::copy_file(source_path(file), tree_ / "scenarios/smoke" / fs::path(file).filename());
  }

  // As a GitHub runner runs a step with "shell: bash", and a GitLab runner a script.
  int bash(const std::string& script, const std::map<std::string, std::string>& environment) {
    base::write_file_atomically(path("script"), script);
    process::Command command;
    command.program = "/bin/bash";
    command.arguments = {"--noprofile", "--norc", "-eo", "pipefail", path("script")};
    command.environment = environment;
    for (const auto* const name : {"HOME", "XDG_CACHE_HOME"}) {
      if (const auto* const value = std::getenv(name)) command.environment[name] = value;
    }
    command.working_directory = tree_;
    command.parent_death_signal = SIGTERM;
    const auto done = process::run(command, base::Deadline::after(std::chrono::minutes(4)));
    words_ += done.output;
    EXPECT_EQ(done.status.signal, 0) << done.output;
    return done.status.code;
  }

  [[nodiscard]] std::string left(const std::string& file) const { return base::read_file(tree_ / file); }

  fs::path tree_;
  std::string words_;
};

// The exit code of the first step that fails is the job's; behind it only steps that always run do.
TEST_F(CheckedOut, GithubShowsEveryDrillAndFailsWithTheOneThatFailed) {
  add_scenario(std::string("scenarios/smoke/") + passing + ".yaml");
  add_scenario(std::string("tests/scenarios/") + failing + ".yaml");
  int code = 0, shown = 0;
  for (const auto& step : read_github_job().steps) {
    if (step.run.empty() || (code != 0 && step.condition != "always()")) continue;
    const auto ended = bash(step.run, {{"GITHUB_RUN_ID", "4711"}, {"GITHUB_STEP_SUMMARY", path("summary")}});
    shown += step.condition == "always()" ? 1 : 0;
    if (code == 0) code = ended;
  }
  EXPECT_EQ(code, 1) << words_;
  EXPECT_EQ(shown, 1);
  const auto summary = base::read_file(path("summary"));
  EXPECT_THAT(summary, AllOf(HasSubstr(std::string("## ✓ PASS: ") + passing + "\n"),
                             HasSubstr(std::string("## ✗ FAIL: ") + failing + "\n"), HasSubstr("nightly, run 4711")));
  for (const auto* const scenario : {passing, failing}) {
    const auto drill = std::string("drills/") + scenario + "/latest/";
    EXPECT_THAT(summary, HasSubstr(left(drill + "report.md")));
    EXPECT_THAT(left(drill + "junit.xml"), StartsWith("<?xml"));
    EXPECT_THAT(left(drill + "report.html"), StartsWith("<!DOCTYPE html>"));
  }
  EXPECT_THAT(left("drills/junit.xml"), HasSubstr("<failure"));
}

TEST_F(CheckedOut, GitlabFindsTheJUnitOfTheRunAndPasses) {
  add_scenario(std::string("scenarios/smoke/") + passing + ".yaml");
  const auto job = read_gitlab_job();
  std::string script;
  for (const auto& line : job.script) script += line + "\n";
  EXPECT_EQ(bash(script, {{"CI_PIPELINE_ID", "4712"}}), 0) << words_;
  EXPECT_THAT(left(job.junit), AllOf(HasSubstr(std::string("<testsuite name=\"") + passing + "\""),
                                     Not(HasSubstr("<failure")), Not(HasSubstr("<error"))));
  for (const auto& kept : job.artifact_paths) EXPECT_FALSE(fs::is_empty(tree_ / kept)) << kept;
  EXPECT_THAT(left(std::string("drills/") + passing + "/latest/report.json"), HasSubstr("nightly, pipeline 4712"));
}

}  // namespace
}  // namespace docs
