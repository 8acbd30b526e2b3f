#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/encryption.hpp"
#include "backup_engine/server_check.hpp"
#include "harness/cli/configuration.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/server/doctor.hpp"

namespace harness::cli {

namespace base = backup_engine::base;

namespace {

// Of a production server: drills run whatever is said of it.
void print_server(const std::string& conninfo) {
  const auto findings = backup_engine::check_server(conninfo);
  if (findings.empty()) fmt::print("ok       the server: it can be backed up, its slots are read, its WAL leaves it\n");
  for (const auto& finding : findings) {
    fmt::print("limited  the server: {}\n         what to do: {}\n", finding.text, finding.remedy);
  }
}

void print_line(const char* health, const std::string& what, const std::string& remedy) {
  fmt::print("{:<7}  {}\n", health, what);
  if (!remedy.empty()) fmt::print("         what to do: {}\n", remedy);
}

// One line for each, as clusters may share one. False when one would be refused.
bool print_key_files(const config::Config& config) {
  std::set<std::filesystem::path> seen;
  bool sound = true;
  for (const auto& cluster : config.clusters) {
    if (cluster.key_file.empty() || !seen.insert(cluster.key_file).second) continue;
    try {
      backup_engine::require_key_file(cluster.key_file);
      print_line("ok", fmt::format("key file of {}: {}", cluster.name, cluster.key_file.string()), {});
    } catch (const base::Error& error) {
      print_line("wrong", fmt::format("key file of {}: {}", cluster.name, error.what()), error.remedy());
      sound = false;
    }
  }
  return sound;
}

// False when the configuration is wrong; that there is none is no fault.
bool print_configuration(const std::filesystem::path& given) {
  try {
    const auto file = configuration_file(given);
    if (!file) {
      print_line("ok", "configuration: none (no --config, no LIFEBOAT_CONFIG, no lifeboat.yaml here or in /etc)", {});
      return true;
    }
    const auto config = load_configuration(*file);
    std::vector<std::string> names;
    for (const auto& cluster : config.clusters) names.push_back(cluster.name);
    print_line("ok", fmt::format("configuration: {}: sound; clusters: {}", file->string(), fmt::join(names, ", ")), {});
    for (const auto& cluster : config.clusters) {
      for (const auto& contact : cluster.contacts) {
        fmt::print("         contact for {}: {}\n", cluster.name, config::to_string(contact));
      }
    }
    return print_key_files(config);
  } catch (const base::Error& error) {
    print_line("wrong", fmt::format("configuration: {}", error.what()), error.remedy());
    return false;
  }
}

}  // namespace

ExitCode execute(const DoctorVerb& verb) {
  bool drills_run = true;
  for (const auto& item : server::examine({verb.out, verb.run_as, verb.bin_directory})) {
    const auto* const word = item.health == server::Health::good      ? "ok     "
                             : item.health == server::Health::limited ? "limited"
                                                                      : "missing";
    fmt::print("{}  {}: {}\n", word, item.what, item.detail);
    if (!item.remedy.empty()) fmt::print("         what to do: {}\n", item.remedy);
    drills_run = drills_run && item.ok();
  }
  if (!verb.conninfo.empty()) print_server(verb.conninfo);
  if (!print_configuration(verb.config)) return ExitCode::usage;
  return drills_run ? ExitCode::pass : ExitCode::unknown;
}

}  // namespace harness::cli
