// A restore without a position as its target reads no WAL beforehand; so that it does not end in a hole, the WAL held
// is looked at by name before anything is written.
#pragma once

#include "backup_engine/restore.hpp"
#include "backup_engine/wal/timeline_path.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::restore {

// Throws Error(corrupt), naming what is missing: of the backup's own WAL, or, when the target is the end of WAL,
// between the backup and WAL of its path that is held further on.
void require_continuous_wal(const wal::WalArchive& archive, const wal::TimelinePath& path, const BackupSummary& backup,
                            TargetKind target);

}  // namespace backup_engine::restore
