// What a whole cluster holds and is, so that it can be told whether it came back as it was.
#pragma once

#include "harness/verify/cluster.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

// Of every database. `alike` as for probe_content. Throws base::Error.
[[nodiscard]] reports::record::RollBackEvidence::Look look_at_all(
    const Cluster& cluster, const reports::record::ContentDigests* alike = nullptr);

}  // namespace harness::verify
