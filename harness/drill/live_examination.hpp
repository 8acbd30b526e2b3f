// Looking at a source that lives on and got tables back: what was restored, against the mark; everything else, against
// itself; and the database as a whole. The load is held all the while.
#pragma once

#include "harness/drill/partial_recovery.hpp"
#include "reports/record/evidence.hpp"

namespace harness::drill {

// Before the restore: all that it may not touch. Throws base::Error(interrupted) only.
void examine_before(const Context& context, const SourceSide& source, reports::record::Evidence& evidence);
// After it. Throws base::Error(interrupted) only.
void examine_live(const Context& context, const SourceSide& source, reports::record::Evidence& evidence);
// Once the source has ended, and with it the witness; then the evidence is written.
void examine_witness(const Context& context, const SourceSide& source, const restore::Target& target,
                     const verify::ReachedPoint& reached, reports::record::Evidence& evidence);

}  // namespace harness::drill
