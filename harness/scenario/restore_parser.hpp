// Reads what is restored, and to which point. Internal to harness/scenario.
#pragma once

#include "harness/scenario/rules.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {

// Throws Error(usage) with file, line and column. Whether the timeline has the target's point, rules.hpp says.
[[nodiscard]] Restore parse_restore(const Reader& reader, const YAML::Node& node, RestorePlaces& places);

// schema.name of a table that may be harmed and restored, as written.
[[nodiscard]] std::string parse_table(const Reader& reader, const YAML::Node& node, std::string_view what);
[[nodiscard]] std::string parse_schema(const Reader& reader, const YAML::Node& node, std::string_view what);

// The value of "prove". Refused where the restore leaves no copy that could be sabotaged.
[[nodiscard]] bool parse_proof(const Reader& reader, const YAML::Node& node, const Restore& restore);

}  // namespace harness::scenario
