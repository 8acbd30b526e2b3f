// Puts the values of variables into a scenario's document before it is parsed. Internal to harness/scenario.
#pragma once

#include <map>
#include <set>
#include <string>

#include "harness/scenario/variables.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {

// Replaces every ${…} in the values below `document`, in place; positions stay. A value that held a variable counts as
// written without quotes, and a key whose whole value becomes empty as left out. Returns those of variables.values that
// were used. Throws Error(usage) at the value: no such variable, one without value and default, an unclosed "${".
std::map<std::string, std::string> fill_variables(const Reader& reader, YAML::Node document,
                                                  const Variables& variables);

// The names used below `document`, which is spent by it. Throws as fill_variables, but for what has no value.
[[nodiscard]] std::set<std::string> used_variables(const Reader& reader, YAML::Node document);

}  // namespace harness::scenario
