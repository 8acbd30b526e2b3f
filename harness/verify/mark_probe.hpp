// Takes a mark on a live source: an instant that no transaction crosses, named in the WAL by a restore point, with
// digests of what the source held then (docs/formats/evidence.md).
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "backup_engine/base/deadline.hpp"
#include "harness/verify/cluster.hpp"
#include "reports/record/mark.hpp"

namespace harness::verify {

// The caller has held the load's writers and fills in ledger_acknowledged. Waits until no transaction with an xid and
// no prepared transaction is open, then creates the restore point "lifeboat-NAME". The digests belong to that instant
// or none do: a commit in between makes it start over, until the deadline. selected: tables to look at on their own as
// well, for a partial restore. Throws base::Error(timed_out | interrupted).
[[nodiscard]] reports::record::Mark take_mark(const Cluster& cluster, const std::string& name,
                                              const backup_engine::base::Deadline& deadline,
                                              const std::stop_token& stop = {},
                                              const std::optional<Scope>& selected = std::nullopt);

}  // namespace harness::verify
