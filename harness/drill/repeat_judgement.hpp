// What the repeats of one restore tell together: whether each ended where the last did, which alone is examined, and
// how their times vary and extrapolate (docs/statistics.md). Pure.
#pragma once

#include "harness/drill/judgement.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// Call it when times and loss of the restores are judged. Fills in the exactness of the repeats before the last, and
// the report's statistics: null when the restore was neither repeated nor is extrapolated.
void judge_repeats(reports::record::Report& report, const Judged& judged);

}  // namespace harness::drill
