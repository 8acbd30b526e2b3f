// The variables of a scenario: ${name} or ${name:-default} in any value of its file, filled from a cluster of
// lifeboat.yaml (docs/configuration.md) when `--cluster` names one. docs/scenarios.md, "Variables", defines them.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace harness::scenario {

struct Variables {
  std::map<std::string, std::string> values;  // by name (language.hpp); what has no value is left out
  std::string origin;  // who gave them, for messages: "the cluster main of /etc/lifeboat.yaml"; empty: nobody did
};

// The names that the values of a scenario's file use. Throws base::Error(usage) as parse_scenario does.
[[nodiscard]] std::set<std::string> variables_of(const std::filesystem::path& file);

}  // namespace harness::scenario
