// Parses how often a scenario restores, and the database sizes that its RTO is extrapolated to. Internal to
// harness/scenario; docs/statistics.md says what becomes of them.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <vector>

namespace harness::scenario {

class Reader;

// Both throw Error(usage) at the part that does not fit.
[[nodiscard]] unsigned parse_repeat(const Reader& reader, const YAML::Node& node);
// One size, or a list of some, none twice; bytes.
[[nodiscard]] std::vector<std::uint64_t> parse_sizes(const Reader& reader, const YAML::Node& node);

}  // namespace harness::scenario
