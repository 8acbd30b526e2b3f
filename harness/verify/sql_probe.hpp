// Runs the scenario's own SQL file on the target: each statement returns the violations of one rule.
#pragma once

#include <filesystem>

#include "harness/verify/cluster.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

// Each statement in a read-only transaction of its own; its first 20 rows are kept. A statement that fails is evidence
// (Result::error). Throws base::Error when the file cannot be read or the server not be reached.
[[nodiscard]] reports::record::SqlEvidence probe_sql(const Cluster& cluster, const std::filesystem::path& file);

}  // namespace harness::verify
