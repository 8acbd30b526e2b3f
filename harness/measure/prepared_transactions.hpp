// Transactions that were prepared and not decided where recovery has to end: the restored server must hold exactly
// these, for whoever prepared them to decide (docs/checks.md, "commit_order"). Pure.
#pragma once

#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "reports/record/check.hpp"
#include "reports/record/evidence.hpp"

namespace harness::measure {

// Every record that starts before `end` counts. One that the target holds though the witness saw neither its PREPARE
// nor its decision was prepared before the witness began, and is right. Nothing where the target was not asked. Throws
// base::Error(corrupt) for an LSN that is none.
[[nodiscard]] std::vector<reports::record::Finding> find_wrong_prepared(
    const reports::record::CommitOrderEvidence& order, backup_engine::postgres::Lsn end);

}  // namespace harness::measure
