// The part of a scenario that says what is backed up: a cluster to provision, with its load and the way that its WAL
// takes, or a backup that exists. Internal to harness/scenario.
#pragma once

#include <filesystem>

#include "harness/scenario/scenario.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {

// Datasets are looked for in `fixtures`. Throws Error(usage) at what breaks the grammar, or names what is not there.
[[nodiscard]] Source parse_source(const Reader& reader, const YAML::Node& node, const std::filesystem::path& fixtures);

}  // namespace harness::scenario
