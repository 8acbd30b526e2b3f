// The places of a drill's timeline that a recovery target can name, with the position, time and transaction that each
// turned out to have, and the target that PostgreSQL is given for one of them (docs/scenarios.md, "restore"). Pure.
#pragma once

#include <string>
#include <vector>

#include "harness/restore/restore.hpp"
#include "harness/scenario/scenario.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/ledger.hpp"
#include "reports/record/mark.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

struct TimelinePoint {
  std::string name;           // as the scenario has it
  std::string restore_point;  // its name in the WAL; empty for a disaster
  std::string lsn;            // of a mark or restore point the record's end; of a disaster the end of WAL before it
  std::string time;           // RFC 3339, by the server's clock; of a disaster as its commit is stamped
  std::string xid;            // of a disaster's transaction, with epoch; empty for the others, and for a lost server
};

[[nodiscard]] TimelinePoint point_of(const reports::record::Mark& mark);

// What is handed to the restore, and what the report says of it.
struct ResolvedTarget {
  restore::Target target;
  reports::record::RestoreTarget record;
};

// Of several points with one name the first counts, as it does for PostgreSQL. The transaction of a mark or a restore
// point is the last in the WAL of those that the load was acknowledged before it, by `ledger` and `commits`: answers
// arrive in another order than commits are written, one in four under load. Without commits, which only a target by
// xid needs, the order is that of the answers. Throws base::Error(usage) for a point that
// the timeline did not have, or that has no such property.
[[nodiscard]] ResolvedTarget resolve_target(const scenario::Restore& restore, const std::vector<TimelinePoint>& points,
                                            const std::vector<reports::record::LedgerTransaction>& ledger,
                                            const std::vector<reports::record::CommitRecord>& commits = {});

// Of a stored backup, whose scenario names the value itself.
[[nodiscard]] ResolvedTarget resolve_stored_target(const scenario::Restore& restore);

[[nodiscard]] std::string_view to_string(scenario::RestoreKind kind);

}  // namespace harness::drill
