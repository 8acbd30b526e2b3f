// WAL that a stopped cluster still has and the repository does not: the last commits before a crash, say. A restore
// over the directory removes its pg_wal, so it must be pushed first or be given up.
#pragma once

#include "backup_engine/restore/plan.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::restore {

// Looks where the repository's WAL of the cluster's own timeline ends whether pg_wal goes on there. A timeline that the
// repository does not hold is a clone's, and its WAL nobody's. Throws Error(usage), naming segment and position.
void require_no_wal_left_behind(store::Storage& storage, const RestoreRequest& request, const Plan& plan);

}  // namespace backup_engine::restore
