// What of others stands on the tables that a partial restore is about: views, foreign keys, rules, policies. They went
// with tables that were dropped, and come back with them (docs/checks.md, "Partial restores").
#pragma once

#include <string>
#include <vector>

#include "harness/verify/cluster.hpp"

namespace harness::verify {

// As probe_objects names them, sorted; with what belongs to the views, and comments and labels. Scope: all but tables
// that were put back in place; nothing for any other. Throws base::Error.
[[nodiscard]] std::vector<std::string> probe_dependents(const Cluster& cluster);

}  // namespace harness::verify
