// Looking at what was restored from a stored backup, with the witnesses there are: PostgreSQL's own tools and words,
// and the repository's WAL, which is the engine's word and is called so.
#pragma once

#include "harness/drill/recovery.hpp"
#include "reports/record/evidence.hpp"

namespace harness::drill {

struct Restoration {
  const restore::Target& target;
  const reports::record::BackupRecord& backup;
  const backup::StoredCluster& cluster;  // as the repository was when the clock started
};

// Restores the second copy, to be paused at the target; examines both, and stops the second. Throws
// base::Error(interrupted) only.
[[nodiscard]] reports::record::Evidence examine_stored(const Context& context, const Origin& origin, Recovery& recovery,
                                                       const Restoration& restoration);

}  // namespace harness::drill
