// Drills of stored backups leave an entry in the cluster's operations log (docs/formats/operations.md): it is from
// there that anyone can tell which backups were ever restored.
#pragma once

#include <vector>

#include "harness/plan/plan.hpp"
#include "reports/record/report.hpp"

namespace harness::cli {

// One for each report whose plan drills a stored backup. A repository that cannot be written (it need not be, for a
// drill) is said on stderr and changes nothing else.
void record_drills(const std::vector<plan::Plan>& plans, const std::vector<reports::record::Report>& reports);

}  // namespace harness::cli
