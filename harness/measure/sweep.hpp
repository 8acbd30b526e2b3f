// A sweep judged: at each point the transactions that are there against those that the witness WAL has before it. Pure;
// exactness at a point is measure_exactness, the same as that of any other restore.
#pragma once

#include <vector>

#include "reports/record/check.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/ledger.hpp"
#include "reports/record/report.hpp"

namespace harness::measure {

struct MeasuredSweep {
  reports::record::Sweep sweep;
  // Of each point that is not met: the transactions missing and extra (a few, each with xid, LSN and time), or where
  // recovery ended instead.
  std::vector<reports::record::Finding> findings;
};

// A point that did not recover is not met; one that was not looked at, or of which nobody knows where it lies, is not
// judged. Throws base::Error(corrupt) for an LSN that is none.
[[nodiscard]] MeasuredSweep measure_sweep(const reports::record::SweepEvidence& evidence,
                                          const reports::record::CommitOrderEvidence& order,
                                          const std::vector<reports::record::LedgerTransaction>& ledger,
                                          const std::vector<reports::record::BackupRecord>& backups);

}  // namespace harness::measure
