// The restores of a scenario that says `repeat`, but for the last: each is a whole one for the clock, into a server
// that is stopped and removed before the next begins (docs/statistics.md).
#pragma once

#include "harness/drill/recovery.hpp"
#include "harness/drill/timeline_points.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// Notes each in `report` as it ends; the last is left to the caller, who examines it. Nothing when the scenario does
// not repeat. Throws as recover() does; a restore that came to nothing is in the report then (restore_or_tell).
void recover_all_but_last(const Context& context, const Origin& origin, const ResolvedTarget& target,
                          const SourceSide::Spent& spent, reports::record::Report& report);

}  // namespace harness::drill
