// A restore in place that is rolled back: what the old cluster held before it was replaced, and what it holds once it
// is back. The restored server was examined before, and is gone afterwards.
#pragma once

#include "harness/drill/recovery.hpp"
#include "reports/record/evidence.hpp"

namespace harness::drill {

// Of the running source, whose load is held. Does nothing unless the scenario asks for the roll-back.
void examine_before_replacing(const Context& context, const SourceSide& source, reports::record::Evidence& evidence);

// Stops the restored server, rolls back, starts the old cluster in quarantine, looks at it, stops it, and writes the
// evidence again. Does nothing unless the scenario asks for it. Throws base::Error(interrupted) only: what goes wrong
// is the reason why the check knows nothing.
void roll_back_and_examine(const Context& context, const SourceSide& source, Recovery& recovery,
                           reports::record::Evidence& evidence);

}  // namespace harness::drill
