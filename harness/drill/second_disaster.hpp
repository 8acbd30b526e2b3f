// A second disaster while the restore runs: the restore is killed half-way, or the server that recovers is. What it
// cost counts in the RTO, and the restore is begun again.
#pragma once

#include "harness/drill/recovery.hpp"
#include "harness/restore/restore.hpp"
#include "harness/server/server.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// Begins the restore that `order` asks for, and the server that `options` would start from it, and kills one of the two
// as the scenario says. What it leaves in `order.to` is what the next restore finds: after kill_restore that which was
// begun, which is continued; after kill_server nothing, the directory of a server that nobody trusts being removed.
// Throws base::Error as the restore does, and Error(process) when it ended before it could be killed, several times.
[[nodiscard]] reports::record::DisasterRecord strike_restore(const Context& context, const restore::RestoreOrder& order,
                                                             const server::ServerOptions& options);

}  // namespace harness::drill
