// What the CI snippets say; tests/pg/ci runs what they run.
#include "tests/unit/ci/ci_snippets.hpp"
#include "tests/support/places.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

namespace docs {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

// "debian:12" is the "debian 12" whose packages setup.sh knows.
void expect_known_to_setup(const std::string& image) {
  auto release = image;
  std::replace(release.begin(), release.end(), ':', ' ');
  EXPECT_THAT(source_text("setup.sh"), HasSubstr("\"" + release + "\")")) << image;
}

void expect_program_of_this_tree(const std::string& command) {
  const auto program = tests::source_directory() / command.substr(0, command.find(' '));
  const auto permissions = std::filesystem::status(program).permissions();
  EXPECT_NE(permissions & std::filesystem::perms::owner_exec, std::filesystem::perms::none) << program;
}

const GithubStep& step_named(const GithubJob& job, const std::string& name) {
  const auto found = std::find_if(job.steps.begin(), job.steps.end(), [&](const auto& s) { return s.name == name; });
  if (found == job.steps.end()) throw std::runtime_error("no step " + name);
  return *found;
}

TEST(CiPage, QuotesTheSnippetsAsTheyAre) {
  const auto page = source_text("docs/ci.md");
  for (const char* file : {"docs/ci/github-actions.yml", "docs/ci/gitlab-ci.yml"}) {
    EXPECT_THAT(page, HasSubstr("```yaml\n" + source_text(file) + "```\n")) << file;
  }
}

TEST(GithubSnippet, RunsEveryNightAndByHandInADebianThatSetupKnows) {
  const auto job = read_github_job();
  EXPECT_THAT(job.cron, MatchesRegex("[0-9]+ [0-9]+ [*] [*] [*]"));
  EXPECT_TRUE(job.by_hand);
  EXPECT_EQ(job.runs_on, "ubuntu-24.04");
  expect_known_to_setup(job.container);
  EXPECT_EQ(job.shell, "bash") << "a container's default is sh, which passes over a failure within a pipe";
  EXPECT_GT(job.timeout_minutes, 0);
}

TEST(GithubSnippet, UsesNothingOfThirdPartiesAndMayOnlyRead) {
  const auto job = read_github_job();
  EXPECT_TRUE(job.may_only_read);
  std::size_t used = 0;
  for (const auto& step : job.steps) {
    EXPECT_NE(step.uses.empty(), step.run.empty()) << step.name;
    if (step.uses.empty()) continue;
    ++used;
    EXPECT_THAT(step.uses, MatchesRegex("actions/(checkout|upload-artifact)@v[0-9]+"));
  }
  EXPECT_EQ(used, 2U);
}

TEST(GithubSnippet, KeepsAndShowsWhatAFailedDrillLeft) {
  const auto job = read_github_job();
  EXPECT_EQ(step_named(job, "Drill").condition, "");
  EXPECT_THAT(step_named(job, "Drill").run, AllOf(StartsWith("./drill.sh "), HasSubstr("--out drills ")));
  expect_program_of_this_tree(step_named(job, "Drill").run);
  for (const char* name : {"Show the results", "Keep the drills"}) {
    EXPECT_EQ(step_named(job, name).condition, "always()") << name;
  }
  EXPECT_THAT(step_named(job, "Show the results").run, HasSubstr("$GITHUB_STEP_SUMMARY"));
  EXPECT_THAT(job.artifact_paths, ElementsAre("drills/", "!drills/*/latest/**"))
      << "links are followed: each drill would be kept twice";
}

TEST(GitlabSnippet, RunsOnASchedulesPipelinesInADebianThatSetupKnows) {
  const auto job = read_gitlab_job();
  EXPECT_THAT(job.rules, Contains("$CI_PIPELINE_SOURCE == \"schedule\""));
  expect_known_to_setup(job.image);
}

TEST(GitlabSnippet, KeepsAndShowsWhatAFailedDrillLeft) {
  const auto job = read_gitlab_job();
  EXPECT_FALSE(job.may_fail);
  ASSERT_EQ(job.script.size(), 1U);
  EXPECT_THAT(job.script[0], AllOf(StartsWith("./drill.sh "), HasSubstr("--out drills ")));
  expect_program_of_this_tree(job.script[0]);
  EXPECT_EQ(job.artifacts_when, "always");
  EXPECT_THAT(job.artifact_paths, ElementsAre("drills/"));
  EXPECT_EQ(job.junit, "drills/junit.xml");
  EXPECT_FALSE(job.expire_in.empty());
}

}  // namespace
}  // namespace docs
