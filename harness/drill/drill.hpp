// One drill, from its plan to its report. The runner only sequences: every step is a part of its own, everything that
// was found out is in the drill directory, and judging reads it from there.
#pragma once

#include <stop_token>

#include "harness/drill/observer.hpp"
#include "harness/plan/plan.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// What the program calls itself, for the record.
using reports::record::ToolIdentity;

// Makes the drill directory, runs, tears down, writes every report. A drill that breaks is recorded as unknown with
// the reason, and torn down all the same. Throws base::Error only when there is no drill directory to record it in.
[[nodiscard]] reports::record::Report run_drill(const plan::Plan& plan, const ToolIdentity& tool, Observer& observer,
                                                const std::stop_token& stop);

}  // namespace harness::drill
