// The CI snippets of docs/ci as their runners read them. Throws std::runtime_error where one is not of the form that
// docs/ci.md describes.
#pragma once

#include <string>
#include <vector>

namespace docs {

struct GithubStep {
  std::string name, uses, run, condition;
};
struct GithubJob {
  std::string runs_on, container, shell, cron;
  bool by_hand = false, may_only_read = false;
  int timeout_minutes = 0;
  std::vector<GithubStep> steps;
  std::vector<std::string> artifact_paths;  // of the step that uploads, as its lines say
};
[[nodiscard]] GithubJob read_github_job();

struct GitlabJob {
  std::string image, artifacts_when, junit, expire_in;
  bool may_fail = false;
  std::vector<std::string> rules, script, artifact_paths;
};
[[nodiscard]] GitlabJob read_gitlab_job();

[[nodiscard]] std::string source_text(const std::string& inside);  // a file of the source tree

}  // namespace docs
