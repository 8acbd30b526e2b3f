// Exactness: the commits present are exactly those that the target asks for in WAL order (docs/glossary.md). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/record/evidence.hpp"
#include "reports/record/ledger.hpp"
#include "reports/record/report.hpp"

namespace harness::measure {

// expected: the ledger's transactions whose commit record starts before the target. One with a point of its own
// (target_lsn: a backup's stop) must also have been reached, and is not met otherwise. The end of WAL asks for what
// recovery reached, and at least for every commit that lies whole before what the WAL receiver had acknowledged:
// WAL that the engine called durable and did not give back is missing. Commits of others than the load (vacuum, DDL)
// leave no ledger row and are not counted. `met` is empty when the witness holds no commit of the load at all. Throws
// base::Error(corrupt) for an LSN that is none.
[[nodiscard]] reports::record::Exactness measure_exactness(
    const reports::record::CommitOrderEvidence& order, const std::vector<reports::record::LedgerTransaction>& ledger,
    const std::optional<std::string>& target_lsn);

}  // namespace harness::measure
