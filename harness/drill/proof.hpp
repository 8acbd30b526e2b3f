// Proof that the checks of this drill can fail: a copy of what was restored is sabotaged and examined with the drill's
// own probes, outside the RTO's clock (docs/checks.md, "Proof").
#pragma once

#include <string>

#include "harness/drill/source_side.hpp"
#include "harness/restore/restore.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/proof.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// What was restored, and what the drill saw of it. Everything outlives the proof.
struct Specimen {
  const Origin& origin;
  const restore::Target& target;
  const reports::record::RestoreTarget& told_target;  // the same, for the report
  const reports::record::Mark* mark;                  // that describes the target; nullptr where there is none
  const reports::record::BackupRecord& backup;        // from which
  std::string database;
  const reports::record::Evidence& evidence;
  std::vector<reports::record::LedgerTransaction> ledger;
};

// Restores one more copy, sabotages it and leaves it stopped; all of it is in DRILL/proof. What keeps the proof from
// its end is told in it. Throws base::Error(interrupted) only.
[[nodiscard]] reports::record::ProofEvidence prove_detectors(const Context& context, const Specimen& specimen);

}  // namespace harness::drill
