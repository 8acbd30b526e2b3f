// Tablespaces that replay will create. PostgreSQL makes each at the place that its WAL names, whatever a restore
// mapped: tblspc_redo and create_tablespace_directories in src/backend/commands/tablespace.c make the folder of the
// version there, take a link of that OID away, and put a new one. On the source's host the place may be a running
// server's, whose files replay then writes over. Defined in docs/restore.md, "Tablespaces that recovery makes".
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/restore.hpp"
#include "backup_engine/restore/plan.hpp"
#include "backup_engine/wal/timeline_path.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "backup_engine/wal/wal_record.hpp"

namespace backup_engine::restore {

// Those created from the backup's start up to `until`, in order. One that the backup holds is among them when it was
// created while the backup was taken. Throws Error: corrupt (WAL that must be read), interrupted.
[[nodiscard]] std::vector<wal::TablespaceCreation> find_new_tablespaces(const wal::WalArchive& archive,
                                                                        const wal::TimelinePath& path,
                                                                        const BackupSummary& backup,
                                                                        postgres::Lsn until,
                                                                        const std::stop_token& stop);

// A note for each that may be created. Harmless are those inside the data directory, and those at a place of this
// restore's own. Throws Error(already_exists), with OID, place and position, for one that must not be created there, or
// cannot.
[[nodiscard]] std::vector<std::string> require_harmless(const std::vector<wal::TablespaceCreation>& creations,
                                                        const BackupSummary& backup, NewTablespaces wanted,
                                                        const Plan& plan);

}  // namespace backup_engine::restore
