#include "harness/cli/backup_drill.hpp"

#include <fmt/format.h>

#include <random>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "harness/cli/circumstances.hpp"
#include "harness/cli/verbs.hpp"

namespace harness::cli {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

// What ships for this: beside the fixtures, in the source tree and where Lifeboat is installed.
fs::path own_scenario(bool data_checksums) {
  const auto scenarios = find_fixtures(own_executable()).parent_path() / "scenarios";
  auto file = data_checksums ? scenarios / "quarterly" / "newest-backup.yaml"
                             : scenarios / "stored" / "newest-backup-without-checksums.yaml";
  if (fs::exists(file)) return file;
  throw Error(ErrorKind::not_found, fmt::format("there is no {}", file.string()))
      .with_remedy("install Lifeboat with cmake --install, or name a scenario: --drill FILE");
}

// What the command line says stands above lifeboat.yaml.
scenario::Variables variables_of(const BackupVerb& verb) {
  scenario::Variables variables;
  if (!verb.drill->fillings.empty()) variables = verb.drill->fillings.front().variables;
  const auto& request = verb.request;
  const auto say = [&](const std::string& name, const std::string& value) {
    if (value.empty()) {
      variables.values.erase(name);
    } else {
      variables.values[name] = value;
    }
  };
  say("cluster", request.cluster);
  say("repository", fs::absolute(request.repository.text).lexically_normal().string());
  say("key_file", request.repository.key_file.empty() ? "" : fs::absolute(request.repository.key_file).string());
  say("connection", request.conninfo);
  say("pgdata", request.pgdata.string());
  variables.origin = "the command line of `lifeboat backup`";
  return variables;
}

scenario::Scenario scenario_for(const BackupVerb& verb, const fs::path& file) {
  if (!fs::is_regular_file(file)) {
    throw Error(ErrorKind::usage, fmt::format("--drill {}: there is no such scenario", file.string()))
        .with_remedy("name a YAML file, or none for the scenario that ships");
  }
  auto scenario = scenario::parse_scenario(file, find_fixtures(file), variables_of(verb));
  const auto refuse = [&](const std::string& what, const std::string& remedy) {
    throw Error(ErrorKind::usage, fmt::format("--drill {}: {}", file.string(), what)).with_remedy(remedy);
  };
  const auto& stored = scenario.source.stored;
  if (!stored) {
    refuse("the scenario makes a source of its own",
           "write \"source: { repository: ${repository}, cluster: ${cluster} }\"");
  }
  const bool same_place = fs::weakly_canonical(fs::absolute(stored->location)) ==
                          fs::weakly_canonical(fs::absolute(verb.request.repository.text));
  if (!same_place || stored->cluster != verb.request.cluster) {
    refuse(fmt::format("the scenario is about {} in {}", stored->cluster, stored->location),
           "write ${repository} and ${cluster}");
  }
  if (!stored->label.empty()) {
    refuse(fmt::format("the scenario is about the backup {}", stored->label), "write \"backup: latest\"");
  }
  return scenario;
}

// Who initdb was run as is not always postgres; a role that may only replicate cannot ask.
std::string superuser_of(const std::string& conninfo, std::string otherwise) {
  constexpr const char* bootstrap_superuser = "SELECT rolname FROM pg_roles WHERE oid = 10";
  try {
    const auto rows = backup_engine::postgres::Connection(conninfo, "lifeboat backup").query(bootstrap_superuser);
    return rows.empty() ? otherwise : rows[0][0].value_or(otherwise);
  } catch (const Error&) {
    return otherwise;
  }
}

ExitCode drill(const BackupVerb& verb, const backup_engine::BackupSummary& taken, const std::stop_token& stop) {
  const auto& run = *verb.drill;
  const auto file = run.scenarios.empty() ? own_scenario(taken.data_checksums) : run.scenarios.front();
  auto scenario = scenario_for(verb, file);
  auto& stored = *scenario.source.stored;
  stored.label = taken.label;
  if (stored.superuser == scenario::StoredBackup().superuser) {
    stored.superuser = superuser_of(verb.request.conninfo, stored.superuser);
  }
  const auto seed = run.seed.value_or(std::random_device{}());
  return run_drills({plan_for({scenario, verb.request.cluster}, run, seed)}, run, stop);
}

}  // namespace

void require_drillable(const BackupVerb& verb) {
  if (!verb.drill) return;
  const auto& named = verb.drill->scenarios;
  (void)scenario_for(verb, named.empty() ? own_scenario(true) : named.front());
}

ExitCode drill_backup(const BackupVerb& verb, const backup_engine::BackupSummary& taken, const std::stop_token& stop) {
  try {
    const auto code = drill(verb, taken, stop);
    if (code == ExitCode::pass) return code;
    fmt::print("{} stays in the repository; its drill did not pass\n", taken.label);
    return code;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", base::describe(error));
    fmt::print("{} stays in the repository; it could not be drilled\n", taken.label);
    return exit_code_for(error.kind());
  }
}

}  // namespace harness::cli
