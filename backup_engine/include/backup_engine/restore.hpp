// Restoring a backup into a directory that `pg_ctl start` then recovers by itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/file_system.hpp"
#include "backup_engine/base/progress.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine {

enum class TargetKind { end_of_wal, immediate, name, time, lsn, xid };
enum class TargetAction { promote, pause, shutdown };

struct RecoveryTarget {
  TargetKind kind = TargetKind::end_of_wal;
  // As docs/recovery-targets.md says: a time with its zone, an LSN, a transaction id, a name; else empty.
  std::string value;
  bool inclusive = true;
  std::string timeline;  // recovery_target_timeline; empty: latest (current for immediate)
  TargetAction action = TargetAction::promote;
};

// Throws Error(usage), with the remedy, for a value that is missing or is none of its kind, and for a timeline that is
// neither latest, current nor a number. Looks at nothing but the target itself.
void require_sound(const RecoveryTarget& target);

// What becomes of a data directory of the same cluster that lies where a restore is to go. In each case a restore that
// did not end goes on where it stopped, by comparing what it finds; docs/restore.md, "Into an existing directory".
enum class ExistingFiles {
  refuse,   // the directory must be absent or empty
  compare,  // blocks whose hash is the backup's stay, the others are written; what the backup does not have goes
  // It is set aside first as a safety copy, where it stays until somebody rolls back to it or drops it
  // (safety_copy.hpp), and all is written anew. There must be one.
  set_aside,
};

// Where a safety copy goes. What is a mount point, or lies where nothing may be made, cannot be renamed as a whole.
enum class SafetyCopyLayout { automatic, beside, inside };

// Whether the restored server archives its WAL as its source did (docs/restore.md, "Archiving").
enum class ArchiveMode {
  off,       // not before somebody turns it on: a copy must not archive into its source's repository
  preserve,  // as soon as it is promoted, for one that takes its source's place
};

// What becomes of a restore whose replay would create tablespaces: PostgreSQL makes each at the place that the WAL
// names, which on the source's host may be a running server's (docs/restore.md, "Tablespaces that recovery makes").
enum class NewTablespaces {
  where_free,  // goes on when the place is an empty directory
  // For servers that Lifeboat starts itself: whatever the place is. The end of WAL is then where it ends as the restore
  // begins, because nobody has looked at what comes later.
  refuse,
};

struct RestoreRequest {
  RepositoryLocation repository;
  std::string cluster;
  // Empty: the newest that can reach the target; one that holds damaged pages only where no older one leads there
  // without (docs/restore.md, "Damaged pages").
  std::string backup_label;
  std::filesystem::path to;  // absent or empty, or as `existing` says
  ExistingFiles existing = ExistingFiles::refuse;
  std::optional<std::uint64_t>
      confirmed_system_identifier{};  // of the cluster to be set aside: must be given, and be its
  SafetyCopyLayout safety_copy_layout = SafetyCopyLayout::automatic;
  RecoveryTarget target;
  // Only these, by name, with template0, template1 and postgres; empty: all. Every other one becomes hollow: its files
  // have their size and no content (docs/restore-database.md).
  std::vector<std::string> databases;
  ArchiveMode archive_mode = ArchiveMode::off;
  unsigned jobs = 1;
  std::filesystem::path lifeboat;  // the executable that restore_command calls; absolute
  // Of a WalServer (serve_wal.hpp), from which restore_command fetches; empty: from the repository itself.
  std::filesystem::path wal_socket{};
  std::map<std::filesystem::path, std::filesystem::path> tablespace_map;
  NewTablespaces new_tablespaces = NewTablespaces::where_free;
  std::filesystem::path other_tablespaces;  // those not mapped go below it, by their OIDs; empty: all must be mapped
};

struct RestoreResult {
  std::string backup_label;
  std::uint64_t restored_bytes = 0;
  std::uint64_t reused_bytes = 0;  // of them, found in place with the backup's content
  std::uint64_t removed_files = 0;
  std::uint64_t file_count = 0;
  bool continued = false;      // a restore that had not ended
  double fetch_seconds = 0;    // repository opened, manifest and index read
  double restore_seconds = 0;  // files written and synced
  // For whoever ordered it, a sentence each: what was chosen where the target left a choice.
  std::vector<std::string> notes;
  std::filesystem::path safety_copy;     // its folder; empty: none was taken
  std::vector<std::string> passed_over;  // labels of newer backups that lead there too, for their damaged pages
};

// An existing pg_control is renamed away first, and the backup's renamed into place last: a half-done restore cannot
// start. Every block is verified by its hash as it is written. Files get the modes they had; owner as the source's when
// root, else the caller. Throws Error: not_found, already_exists (not empty, or no data directory, or replay would
// create a tablespace where it must not), mismatch (another cluster's), usage (its server runs, another restore works
// there, a restore in place that nobody confirmed, its pg_wal goes on behind what the repository holds), io (also: the
// backup expired meanwhile), no_space (1.5 × what is written, checked first), corrupt (object named), interrupted.
[[nodiscard]] RestoreResult restore_backup(const RestoreRequest& request, base::Progress& progress,
                                           const std::stop_token& stop = {});

}  // namespace backup_engine
