// What a cluster can be asked about itself when nothing is known of how it was: whether its catalogs refer to rows that
// are there, and its relations to files that are there.
#pragma once

#include "harness/verify/cluster.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

// Of every database in scope. Throws base::Error.
[[nodiscard]] reports::record::ConsistencyEvidence probe_consistency(const Cluster& cluster);

}  // namespace harness::verify
