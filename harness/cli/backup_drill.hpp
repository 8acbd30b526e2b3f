// The drill of a backup right after it was taken: `lifeboat backup --drill [SCENARIO]` (docs/drill-your-backups.md).
#pragma once

#include <stop_token>

#include "backup_engine/backup.hpp"
#include "harness/cli/command_line.hpp"
#include "harness/cli/exit_code.hpp"

namespace harness::cli {

// Before the backup is taken: the scenario that verb.drill names, if any, is sound and about backups of this cluster in
// this repository, whichever is newest. Throws base::Error(usage).
void require_drillable(const BackupVerb& verb);

// Restores the backup, judges it, prints the result and says what becomes of the backup: it stays. Never throws a
// base::Error: what keeps the drill from being carried out is printed, and is the exit code.
[[nodiscard]] ExitCode drill_backup(const BackupVerb& verb, const backup_engine::BackupSummary& taken,
                                    const std::stop_token& stop);

}  // namespace harness::cli
