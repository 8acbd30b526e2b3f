// What a parse reads besides the YAML itself: the file's bytes and their digest, and which databases a dataset has.
// Internal to harness/scenario.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "harness/scenario/rules.hpp"

namespace harness::scenario {

// Throws base::Error(usage) when there is no such file.
[[nodiscard]] std::string read_scenario_file(const std::filesystem::path& file);

// What was filled in belongs to what was promised.
[[nodiscard]] std::string digest_of(std::string bytes, const std::map<std::string, std::string>& variables);

// What is wrong with a dataset's manifest is said where the dataset is loaded; here its rules are then left out.
[[nodiscard]] Databases databases_of(const std::filesystem::path& fixtures, const std::string& dataset);

}  // namespace harness::scenario
