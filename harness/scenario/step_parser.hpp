// Reads one step of the timeline. Internal to harness/scenario.
#pragma once

#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {

// Throws Error(usage) with file, line and column.
[[nodiscard]] Step parse_step(const Reader& reader, const YAML::Node& node);

}  // namespace harness::scenario
