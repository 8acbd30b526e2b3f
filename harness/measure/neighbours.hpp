// The commits on either side of a recovery target: where recovery that came one commit short, or one too far, would
// have ended. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/measure/stop_position.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/ledger.hpp"

namespace harness::measure {

struct Neighbour {
  std::uint64_t xid = 0;
  std::string lsn;  // where its commit record starts
  std::string key;  // the ledger's number of it; empty without a ledger
};

struct Neighbours {
  std::optional<Neighbour> last_before, first_behind;
};

// On the way that recovery had to go, no earlier than `earliest` (where the backup stops: recovery cannot end before
// it) and no later than what the repository was known to hold, on either side of `stop`. Of the load's acknowledged
// transactions; of any where there is no ledger (nullptr). Empty for a stop that is no position. Throws
// base::Error(corrupt) for an LSN that is none.
[[nodiscard]] Neighbours neighbours_of(const reports::record::CommitOrderEvidence& order,
                                       const std::vector<reports::record::LedgerTransaction>* ledger,
                                       const StopPosition& stop, backup_engine::postgres::Lsn earliest);

}  // namespace harness::measure
