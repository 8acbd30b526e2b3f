// Exactness of a cluster without a ledger: what PostgreSQL says became of each transaction whose end the WAL holds,
// against where the target lies in that WAL (docs/checks.md, "Exactness without a ledger"). Pure.
#pragma once

#include <vector>

#include "harness/measure/stop_position.hpp"
#include "reports/record/check.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/report.hpp"

namespace harness::measure {

// Whether what lies behind a target has to be asked for: a drill pauses a copy there for it. A copy that the proof
// promotes stands for itself.
enum class PausedCopy { wanted, none };

// expected: the commits before `stop`; for the end of WAL those that recovery reached, and all that lie whole before
// what was held when it began (order.acknowledged_lsn). missing: those of which the recovered server, or
// the copy paused at the target, says anything but "committed", or of one of its subtransactions; extra: what the
// paused copy calls committed though its commit lies behind, and what either calls anything but "aborted" though the
// WAL holds its rollback before. Recovery must have ended at `stop`, on the line of timelines, and at the end of WAL it
// must have left out nothing that was held (order.left_out). `met` stays empty when the stop is unknown, or when
// PostgreSQL was not asked, or forgot, while nothing else speaks against it. Throws base::Error(corrupt) for an LSN
// that is none.
[[nodiscard]] reports::record::Exactness measure_transaction_exactness(
    const reports::record::CommitOrderEvidence& order, const StopPosition& stop,
    PausedCopy paused_copy = PausedCopy::wanted);

// The transactions behind missing and extra, in the order of the WAL: xid, LSN, time and what PostgreSQL said instead.
// For a stop that is known.
[[nodiscard]] std::vector<reports::record::Finding> find_wrong_statuses(
    const reports::record::CommitOrderEvidence& order, const StopPosition& stop);

}  // namespace harness::measure
