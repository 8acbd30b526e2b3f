// Which databases were copied as files while a backup was taken: its own WAL says so, from its start to its stop. What
// comes of that: docs/formats/backup.md, "Databases that are copied meanwhile".
#pragma once

#include <stop_token>
#include <vector>

#include "backup_engine/copied_database.hpp"
#include "backup_engine/wal/wal_archive.hpp"
#include "backup_engine/wal/wal_record.hpp"

namespace backup_engine::wal {

// Each once, however many tablespaces it has, in order and without names. nullopt when not all of that WAL can be read:
// what is wrong with it verify says. Reads on at most `jobs` threads. Throws Error(interrupted).
[[nodiscard]] CopiedDatabases find_copied_databases(const WalArchive& archive, const BackupSummary& backup,
                                                    unsigned jobs, const std::stop_token& stop);

// The same of what the records of that WAL told, in order. Copies that were removed again harm nobody, and are none.
[[nodiscard]] std::vector<CopiedDatabase> copies_that_stay(const std::vector<DatabaseChange>& changes);

}  // namespace backup_engine::wal
