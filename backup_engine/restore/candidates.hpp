// The backups that recovery could begin from: those whose timeline leads to the one that was asked for.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/restore.hpp"
#include "backup_engine/store/storage.hpp"
#include "backup_engine/wal/timeline_path.hpp"

namespace backup_engine::restore {

struct Candidates {
  wal::TimelinePath path;  // that recovery follows
  // Never empty. In order of their start, or, for a target without a position, of their stop.
  std::vector<BackupSummary> backups;
  std::vector<std::string> notes;  // newer backups that were passed over, and why
};

// When the backup had stopped, by the server's clock; of backups that do not tell, by that of the host that took it.
[[nodiscard]] base::UtcTime end_time(const BackupSummary& backup);

// request.target is spelled for PostgreSQL. With a label only that backup; for a backup's own consistent point only the
// newest, for the end of WAL those from the newest without damaged pages on. Throws Error: not_found (no backup, no
// such timeline), usage (the backup asked for is on another line of timelines), corrupt (the manifest of the backup
// asked for).
[[nodiscard]] Candidates find_candidates(store::Storage& storage, const wal::WalArchive& archive,
                                         const RestoreRequest& request);

}  // namespace backup_engine::restore
