// The order in which transactions committed, as PostgreSQL's own pg_waldump reads it from witness WAL, and the point
// that the target's recovery reached, as the target itself says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/verify/cluster.hpp"
#include "harness/verify/tool_runs.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

struct WitnessWal {
  std::filesystem::path directory;  // whole segments; a last one may end in .partial, as pg_receivewal leaves it
  std::string start_lsn;            // from where it must reach; reading begins with the first segment
  std::uint32_t timeline = 1;
  std::string name = "pg_receivewal";  // "engine" where only the repository's WAL exists
  std::string target_lsn{};            // where recovery was told an LSN: the record found there is written down
  // The way to `timeline`, oldest first and with it; empty: as the history file in the directory says, if there is one.
  std::vector<reports::record::TimelineStretch> line{};
  std::string ended_lsn{};    // where a recovery without a target ended: what goes on behind it is written down
  bool may_be_quiet = false;  // a witness without one commit or abort is an answer
};

struct ReachedPoint {
  std::string lsn;             // end of the last record replayed
  std::uint32_t timeline = 1;  // on which that record lies
};

// In recovery: the replay position. Promoted: where the new timeline branched off, from its history file. Throws
// base::Error(not_found) for a promoted server whose history file is gone.
[[nodiscard]] ReachedPoint read_reached_point(const Cluster& cluster);

// What the whole witness holds along the line: commits, aborts, PREPAREs, restore points and the record at the target,
// with nothing of a restored cluster yet. What its timelines hold behind where the line left them is kept apart. WAL
// that ends in the middle of a record is normal; a witness without one commit or abort throws base::Error(not_found)
// unless it may be quiet, pg_waldump's other failures Error(process).
[[nodiscard]] reports::record::CommitOrderEvidence read_commit_order(const ToolOptions& options,
                                                                     const WitnessWal& witness);

// Xids of the transactions that are prepared and not decided.
[[nodiscard]] std::vector<std::uint32_t> read_prepared(const Cluster& cluster);

// All of it, with the xids of the target's ledger rows.
[[nodiscard]] reports::record::CommitOrderEvidence probe_commit_order(const ToolOptions& options,
                                                                      const WitnessWal& witness, const Cluster& cluster,
                                                                      const reports::record::LedgerRows& rows);

}  // namespace harness::verify
