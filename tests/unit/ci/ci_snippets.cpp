#include "tests/unit/ci/ci_snippets.hpp"
#include "tests/support/places.hpp"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace docs {

namespace {

YAML::Node only_job(const YAML::Node& jobs) {
  if (!jobs.IsMap() || jobs.size() != 1) throw std::runtime_error("not exactly one job");
  return jobs.begin()->second;
}

std::string text_of(const YAML::Node& node) {
  return node ? node.as<std::string>() : std::string();
}

std::vector<std::string> texts_of(const YAML::Node& list) {
  if (!list.IsSequence()) throw std::runtime_error("not a list");
  std::vector<std::string> texts;
  for (const auto& item : list) texts.push_back(item.as<std::string>());
  return texts;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::string source_text(const std::string& inside) {
  std::ifstream file(tests::source_directory() / inside, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + inside);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

GithubJob read_github_job() {
  const auto workflow = YAML::Load(source_text("docs/ci/github-actions.yml"));
  const auto yaml = only_job(workflow["jobs"]);
  GithubJob job;
  const auto schedule = workflow["on"]["schedule"];
  if (!schedule.IsSequence() || schedule.size() != 1) throw std::runtime_error("not exactly one schedule");
  job.cron = text_of(schedule[0]["cron"]);
  for (const auto& trigger : workflow["on"]) {
    job.by_hand = job.by_hand || trigger.first.as<std::string>() == "workflow_dispatch";
  }
  const auto permissions = workflow["permissions"];
  job.may_only_read = permissions.IsMap() && permissions.size() == 1 && text_of(permissions["contents"]) == "read";
  job.runs_on = text_of(yaml["runs-on"]);
  job.container = text_of(yaml["container"]);
  job.shell = text_of(yaml["defaults"]["run"]["shell"]);
  job.timeout_minutes = yaml["timeout-minutes"].as<int>();
  for (const auto& step : yaml["steps"]) {
    if (step["continue-on-error"]) throw std::runtime_error("a step's failure is not the job's");
    job.steps.push_back({text_of(step["name"]), text_of(step["uses"]), text_of(step["run"]), text_of(step["if"])});
    if (const auto with = step["with"]) job.artifact_paths = lines_of(text_of(with["path"]));
  }
  return job;
}

GitlabJob read_gitlab_job() {
  const auto yaml = only_job(YAML::Load(source_text("docs/ci/gitlab-ci.yml")));
  GitlabJob job;
  job.image = text_of(yaml["image"]);
  job.may_fail = static_cast<bool>(yaml["allow_failure"]);
  for (const auto& rule : yaml["rules"]) job.rules.push_back(text_of(rule["if"]));
  job.script = texts_of(yaml["script"]);
  const auto artifacts = yaml["artifacts"];
  job.artifacts_when = text_of(artifacts["when"]);
  job.expire_in = text_of(artifacts["expire_in"]);
  job.artifact_paths = texts_of(artifacts["paths"]);
  job.junit = text_of(artifacts["reports"]["junit"]);
  return job;
}

}  // namespace docs
