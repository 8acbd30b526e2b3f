// Taking a backup of a running cluster. Defined in docs/formats/backup.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/progress.hpp"
#include "backup_engine/copied_database.hpp"
#include "backup_engine/damaged_page.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine {

struct BackupRequest {
  RepositoryLocation repository;
  std::string cluster;
  std::string conninfo;          // to the running server; may not hold a password
  std::filesystem::path pgdata;  // its data directory, readable by this process; empty: the server streams its files
  BackupType type = BackupType::full;
  unsigned jobs = 1;  // threads that read, hash and compress; of a stream, beside the one that reads it
  Compression compression;
  std::chrono::seconds wal_timeout{60};  // how long to wait for WAL to arrive, before the copy and after it
  // How many bytes of the server's files are read, or taken from its stream, by all threads; 0: as fast as they come.
  std::uint64_t max_bytes_per_second = 0;
  // Called before each wait for that limit, from the thread that waits; may be empty.
  std::function<void(std::chrono::nanoseconds)> on_held_back;
};

struct BackupResult {
  BackupSummary summary;
  std::vector<DamagedPage> damaged_pages;
  CopiedDatabases copied_databases;  // while it was taken
  bool wal_follows = true;  // false: its own WAL could not be read from record to record; verify says what is wrong
  double seconds = 0;
};

// Start, copy, stop, wait until the repository holds the WAL from start to stop (so a `wal receive` must be running, or
// the server's archive_command be `wal push`; checked before the copy begins), publish. The files are read in parallel
// from `pgdata`, or, without it, come as one stream over a replication connection (a role with REPLICATION is enough).
// Blocks; `stop` interrupts between blocks and leaves nothing visible, in the repository and on the server. Throws
// Error: connection, server, mismatch (another cluster's repository), unsupported, no_space, permission, timed_out (WAL
// that does not arrive), interrupted.
[[nodiscard]] BackupResult take_backup(const BackupRequest& request, base::Progress& progress,
                                       const std::stop_token& stop = {});

}  // namespace backup_engine
