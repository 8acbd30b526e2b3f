// Which commits a throwaway copy holds, in the order that the drill read from its witness.
#pragma once

#include "harness/drill/proof.hpp"
#include "harness/verify/cluster.hpp"

namespace harness::drill {

// Can the drill's own evidence tell which commits a copy must hold?
[[nodiscard]] bool knows_commits(const Context& context, const Specimen& specimen);

// Where the copy ended and which of the commits it holds it says itself: by the rows of its ledger (seen.ledger), or,
// where there is none, by what PostgreSQL calls them. Throws base::Error.
[[nodiscard]] reports::record::CommitOrderEvidence commits_on_copy(const Context& context, const Specimen& specimen,
                                                                   const verify::Cluster& cluster,
                                                                   const reports::record::Evidence& seen);

}  // namespace harness::drill
