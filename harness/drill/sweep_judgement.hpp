// What a sweep comes to, from its evidence: the report's `sweep` and the check of that name. Pure.
#pragma once

#include "harness/drill/judgement.hpp"

namespace harness::drill {

// Passes only when every point that was planned was judged and met. A scenario whose restore is no sweep gets neither.
// Backups must be in `report` already.
void judge_sweep(reports::record::Report& report, const Judged& judged);

}  // namespace harness::drill
