// Looking at what was restored: every probe that the plan's checks need, each guarded, so that one that fails leaves
// its reason in the evidence and the others are still taken.
#pragma once

#include "harness/drill/recovery.hpp"
#include "harness/verify/cluster.hpp"
#include "harness/verify/commit_order_probe.hpp"
#include "reports/record/evidence.hpp"

namespace harness::drill {

// Restores the second copy, to be paused at the mark that describes the target, or at the target itself where none
// does; examines both, and stops the second. `before`: what was gathered already. Throws base::Error(interrupted) only.
[[nodiscard]] reports::record::Evidence examine(const Context& context, const SourceSide& source, Recovery& recovery,
                                                const restore::Target& target, reports::record::Evidence before = {});

// The mark that says what must be found at the target; nullptr where the timeline has none.
[[nodiscard]] const reports::record::Mark* describing_mark(const Context& context, const SourceSide& source);

// Content of what compares with the mark, of a partial restore only what was asked for; into `evidence`.
void probe_at_mark(const verify::Cluster& cluster, const reports::record::Mark& mark,
                   reports::record::Evidence& evidence);

// For reading which commits the target asks for.
[[nodiscard]] verify::WitnessWal witness_of(const SourceSide& source, const restore::Target& target);

}  // namespace harness::drill
