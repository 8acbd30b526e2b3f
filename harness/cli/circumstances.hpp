// What this machine and the command line offer to a plan.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/cli/command_line.hpp"
#include "harness/plan/plan.hpp"
#include "harness/scenario/scenario.hpp"

namespace harness::cli {

// The scenario files that were named, those of directories in the order of their names. Throws base::Error(usage).
[[nodiscard]] std::vector<std::filesystem::path> scenario_files(const std::vector<std::filesystem::path>& named);

// fixtures/ beside the scenario or above it, else where Lifeboat is installed. Throws base::Error(not_found).
[[nodiscard]] std::filesystem::path find_fixtures(const std::filesystem::path& scenario);

// A scenario, and the cluster of lifeboat.yaml that filled its variables; empty: none.
struct FilledScenario {
  scenario::Scenario scenario;
  std::string filled_for;
};

// All of them parsed and checked, before anything starts; one that has variables once for each of `fillings`. Every
// file's error is reported: one Error(usage) holds them all. Throws it too when clusters are named and no scenario has
// a variable. `seed` draws the random ones.
[[nodiscard]] std::vector<FilledScenario> parse_scenarios(const std::vector<std::filesystem::path>& named,
                                                          const std::vector<Filling>& fillings = {},
                                                          std::uint64_t seed = 0);

// Throws base::Error when the machine lacks what every drill wants (a PostgreSQL, the servers' user). What this one
// alone wants, and the machine has not, is the plan's obstacle: the others of the run are none the worse for it.
[[nodiscard]] plan::Plan plan_for(const FilledScenario& filled, const RunVerb& run, std::uint64_t seed);

// With the step's place, when the scenario fills a disk and the machine has none to spare. `why_no_volume`:
// process::why_no_volume().
[[nodiscard]] std::optional<plan::Obstacle> unfillable_disk(const scenario::Scenario& scenario,
                                                            const std::string& why_no_volume);

[[nodiscard]] std::filesystem::path own_executable();

}  // namespace harness::cli
