#include "harness/cli/circumstances.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <thread>

#include "backup_engine/base/error.hpp"
#include "harness/backup/engine_backup.hpp"
#include "harness/drill/workplace.hpp"
#include "harness/process/volume.hpp"
#include "harness/restore/served_wal.hpp"
#include "harness/server/installation.hpp"
#include "harness/server/server.hpp"
#include "harness/server/socket_directory.hpp"

namespace harness::cli {

namespace base = backup_engine::base;
namespace fs = std::filesystem;

std::vector<fs::path> scenario_files(const std::vector<fs::path>& named) {
  std::vector<fs::path> files;
  for (const auto& path : named) {
    if (!fs::is_directory(path)) {
      if (!fs::exists(path)) {
        throw base::Error(base::ErrorKind::usage, fmt::format("no such scenario: {}", path.string()))
            .with_remedy("name a .yaml file or a directory of them, as scenarios/smoke");
      }
      files.push_back(path);
      continue;
    }
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.path().extension() == ".yaml") found.push_back(entry.path());
    }
    if (found.empty()) {
      throw base::Error(base::ErrorKind::usage, fmt::format("{} holds no scenario (*.yaml)", path.string()))
          .with_remedy("name a directory of scenarios, as scenarios/smoke");
    }
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

fs::path own_executable() {
  return fs::read_symlink("/proc/self/exe");
}

fs::path find_fixtures(const fs::path& scenario) {
  std::vector<fs::path> candidates;
  for (auto parent = fs::absolute(scenario).parent_path();; parent = parent.parent_path()) {
    candidates.push_back(parent / "fixtures");
    if (!parent.has_relative_path()) break;
  }
  const auto installed = own_executable().parent_path().parent_path();
  candidates.push_back(installed / "share" / "lifeboat" / "fixtures");
  candidates.push_back(installed.parent_path() / "fixtures");  // build/PRESET/lifeboat
  for (const auto& candidate : candidates) {
    if (fs::is_directory(candidate / "datasets")) return candidate.lexically_normal();
  }
  throw base::Error(base::ErrorKind::not_found, fmt::format("no fixtures/datasets above {}", scenario.string()))
      .with_remedy("keep scenarios beside fixtures/, or install Lifeboat with cmake --install");
}

namespace {

void refuse_equal_names(const std::vector<FilledScenario>& scenarios) {
  std::set<std::pair<std::string, std::string>> names;
  for (const auto& [scenario, filled_for] : scenarios) {
    if (names.emplace(scenario.name, filled_for).second) continue;
    throw base::Error(base::ErrorKind::usage, fmt::format("two scenarios of this run are named {}", scenario.name))
        .with_remedy("their drills would share a directory: run them one after the other");
  }
}

// A scenario of whose clusters nothing enters it would be the same drill again and again.
std::vector<Filling> fillings_of(const fs::path& file, const std::vector<Filling>& fillings) {
  if (fillings.empty() || scenario::variables_of(file).empty()) return {Filling{}};
  return fillings;
}

void refuse_needless_clusters(const std::vector<FilledScenario>& scenarios, const std::vector<Filling>& fillings) {
  const bool none =
      std::none_of(scenarios.begin(), scenarios.end(), [](const auto& s) { return !s.filled_for.empty(); });
  if (fillings.empty() || !none) return;
  throw base::Error(base::ErrorKind::usage, "clusters are named, and no scenario of this run has a variable")
      .with_remedy("leave --cluster and --all-clusters out, or write ${repository}, say, into the scenario");
}

}  // namespace

std::vector<FilledScenario> parse_scenarios(const std::vector<fs::path>& named, const std::vector<Filling>& fillings,
                                            std::uint64_t seed) {
  std::vector<FilledScenario> scenarios;
  std::vector<base::Error> wrong;
  for (const auto& file : scenario_files(named)) {
    try {
      for (const auto& filling : fillings_of(file, fillings)) {
        scenarios.push_back(
            {scenario::parse_scenario(file, find_fixtures(file), filling.variables, seed), filling.cluster});
      }
    } catch (const base::Error& error) {
      wrong.push_back(error);
    }
  }
  if (wrong.size() == 1) throw wrong.front();
  refuse_equal_names(scenarios);
  if (wrong.empty()) refuse_needless_clusters(scenarios, fillings);
  if (wrong.empty()) return scenarios;
  auto text = fmt::format("{} scenarios are not sound; nothing was started", wrong.size());
  for (const auto& error : wrong) text += fmt::format("\n{}\n  what to do: {}", error.what(), error.remedy());
  throw base::Error(base::ErrorKind::usage, text);
}

std::optional<plan::Obstacle> unfillable_disk(const scenario::Scenario& scenario, const std::string& why_no_volume) {
  const auto* const step = plan::step_that_fills_disk(scenario);
  if (step == nullptr || why_no_volume.empty()) return std::nullopt;
  return plan::Obstacle{
      fmt::format("{}:{}:{}: fill_disk wants the source's WAL on a small file system of its own, and none can be made "
                  "here: {}",
                  scenario.file.string(), step->position.line, step->position.column, why_no_volume),
      "run it as root with CAP_SYS_ADMIN, or where the kernel gives user namespaces; or leave the scenario out"};
}

namespace {

// A stored backup needs the major that it was taken of. Where damage hides which that was, the drill will say so.
std::optional<int> major_for(const scenario::Source& source) {
  if (!source.stored) return source.provision.postgres;
  backup::Repository repository;
  repository.directory = source.stored->location;
  repository.cluster = source.stored->cluster;
  repository.key_file = source.stored->key_file;
  try {
    return backup::read_stored_cluster(repository, source.stored->label).postgres_major;
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::corrupt) throw;
    return std::nullopt;
  }
}

}  // namespace

plan::Plan plan_for(const FilledScenario& filled, const RunVerb& run, std::uint64_t seed) {
  const auto& scenario = filled.scenario;
  const auto installation =
      server::choose_installation(server::find_installations(run.bin_directory), major_for(scenario.source));
  // What would stop the drill on its way is refused before anything starts.
  const auto user = server::resolve_server_user(run.run_as);
  server::refuse_long_socket_path(server::socket_parent({}, user));
  if (const auto& stored = scenario.source.stored) {
    restore::require_readable(stored->location, stored->key_file, user);
  }
  if (!run.work_directory.empty()) drill::Workplace::refuse_unreachable(run.work_directory, user);
  plan::Circumstances circumstances;
  circumstances.out = run.out;
  circumstances.work_directory = run.work_directory;
  circumstances.fixtures = find_fixtures(scenario.file);
  circumstances.lifeboat = own_executable();
  circumstances.postgres_bin_directory = installation.bin_directory;
  circumstances.postgres_version = to_string(installation.version);
  circumstances.run_as = run.run_as;
  circumstances.reason = run.reason;
  circumstances.filled_for = filled.filled_for;
  circumstances.keep = run.keep.value_or(scenario.source.stored ? plan::Keep::never : plan::Keep::on_failure);
  circumstances.concurrent_drills = run.concurrent_drills;
  circumstances.jobs = std::max(1U, std::thread::hardware_concurrency() / run.concurrent_drills);
  circumstances.seed = seed;
  if (plan::step_that_fills_disk(scenario) != nullptr) {
    circumstances.obstacle = unfillable_disk(scenario, process::why_no_volume());
  }
  return plan::make_plan(scenario, circumstances);
}

}  // namespace harness::cli
