// Taking a backup of whatever a Source serves, into a repository on any file system: the one order of things of
// docs/formats/backup.md, so that tests can make each step of it fail (tests/fault).
#pragma once

#include <stop_token>

#include "backup_engine/backup.hpp"
#include "backup_engine/backup/source.hpp"
#include "backup_engine/base/file_system.hpp"

namespace backup_engine::backup {

// As backup_engine::take_backup. Of the request the repository, cluster, type, compression and wal_timeout count; the
// rest is the source's.
[[nodiscard]] BackupResult take_backup(Source& source, const BackupRequest& request, base::FileSystem& file_system,
                                       base::Progress& progress, const std::stop_token& stop = {});

}  // namespace backup_engine::backup
