// The databases that no probe can look into, for the drill to say so.
#pragma once

#include <string>
#include <vector>

#include "harness/verify/cluster.hpp"

namespace harness::verify {

// Those in scope that accept no connections, but for template0, which never does. By name.
[[nodiscard]] std::vector<std::string> closed_databases(const Cluster& cluster);

}  // namespace harness::verify
