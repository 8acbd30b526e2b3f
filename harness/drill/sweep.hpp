// The sweep of a restore of kind pitr_sweep: many points of the WAL, and which of the load's transactions are there at
// each. Prefixes of the WAL share one recovery; each kind of recovery target has a restore of its own (docs/adr/0010).
#pragma once

#include "harness/drill/source_side.hpp"
#include "reports/record/evidence.hpp"

namespace harness::drill {

// After examine(), whose commit order says where the points lie. Writes the evidence again, with `sweep`: every point
// that was planned, also those that came to nothing; or the reason why there is none under `missing`. Throws
// base::Error(interrupted) only.
void sweep(const Context& context, const SourceSide& source, reports::record::Evidence& evidence);

}  // namespace harness::drill
