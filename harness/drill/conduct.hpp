// A drill between provisioning and judging: which stages follow one another, for a restore into a server of its own and
// for one into the source that lives on.
#pragma once

#include "harness/drill/source_side.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// What is learnt goes into `report` as it is learnt, so that a drill that breaks still tells it. Throws base::Error;
// when report.restores then says `failed` or `refused`, that is the drill's answer, and otherwise the drill broke.
void conduct(const Context& context, reports::record::Report& report);

}  // namespace harness::drill
