// A drill of a backup that exists, of a cluster that the harness did not make (docs/drill-your-backups.md). Nothing is
// provisioned, loaded or harmed; the repository is only read.
#pragma once

#include "harness/drill/source_side.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// As conduct(), for a scenario whose source is a stored backup. The clock starts when the drill does: as if the server
// had been lost then.
void conduct_stored(const Context& context, reports::record::Report& report);

}  // namespace harness::drill
