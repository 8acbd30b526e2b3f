// Before anything is written, the WAL that a recovery without a position as its target will replay is looked at: by
// names, so that it does not end in a hole; for the end of WAL also by its records, because two histories of a server
// that was put back are continuous by their names, and PostgreSQL takes the place where they part for the end of WAL.
#pragma once

#include <optional>
#include <stop_token>

#include "backup_engine/restore.hpp"
#include "backup_engine/wal/record_walk.hpp"
#include "backup_engine/wal/timeline_path.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::restore {

// Throws Error(corrupt), naming what is missing or where the records or what PostgreSQL recovers of them end: of the
// backup's own WAL, or, when request.target is the end of WAL, of that between the backup and WAL of its path that is
// held further on. Returns what the walk of the records told, where there was one.
std::optional<wal::RecordsEnd> require_continuous_wal(const wal::WalArchive& archive, const wal::TimelinePath& path,
                                                      const BackupSummary& backup, const RestoreRequest& request,
                                                      const std::stop_token& stop);

}  // namespace backup_engine::restore
