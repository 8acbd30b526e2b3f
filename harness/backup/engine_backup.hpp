// The engine's side of a drill: a repository, a WAL receiver running as a program of its own, and backups.
// Commands that an operator would type are run as such or journalled in that form, so that a runbook can repeat them.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/progress.hpp"
#include "harness/process/subprocess.hpp"
#include "harness/scenario/scenario.hpp"
#include "reports/record/report.hpp"

namespace harness::backup {

// The repository of one drill, or one that exists and is only read. `owner` (when root) is the servers' user, who must
// read it to recover.
struct Repository {
  std::filesystem::path directory;
  std::string cluster;
  std::filesystem::path lifeboat;  // an executable that the owner can run
  std::optional<process::OsUser> owner;
  std::filesystem::path key_file{};  // of an encrypted one; empty for one in the clear
};

// `lifeboat repo init`, for the owner, after `lifeboat repo new-key` where there is to be a key file. Throws
// base::Error.
void init_repository(const Repository& repository);

// `lifeboat wal receive` as a child. Ends with its owner.
class WalReceiver {
 public:
  struct Options {
    std::string conninfo;  // plain connection to the source
    std::string slot;      // created when it is not there
    std::filesystem::path log;
  };
  [[nodiscard]] static WalReceiver start(const Repository& repository, const Options& options);
  // Polls the source until the slot is active. Throws Error(process) with the log's tail when the receiver ended.
  void wait_until_streaming(const std::string& conninfo, const backup_engine::base::Deadline& deadline,
                            const std::stop_token& stop);
  // SIGTERM: it syncs, acknowledges and ends. Returns how it ended.
  process::ExitStatus stop(const backup_engine::base::Deadline& deadline);

 private:
  WalReceiver(process::Subprocess process, Options options)
      : process_(std::move(process)), options_(std::move(options)) {}
  process::Subprocess process_;
  Options options_;
};

struct BackupOptions {
  std::string conninfo;
  std::filesystem::path data_directory;
  scenario::BackupType type = scenario::BackupType::full;
  unsigned jobs = 1;
  scenario::BackupMethod by = scenario::BackupMethod::files;  // a stream needs no data directory
};
[[nodiscard]] reports::record::BackupRecord take_backup(const Repository& repository, const BackupOptions& options,
                                                        backup_engine::base::Progress& progress,
                                                        const std::stop_token& stop);

// `lifeboat backup`, slowed down and killed (SIGKILL) in mid-copy. Returns the label of what it leaves: an intent,
// and perhaps packs, but no manifest and so no backup. Throws Error(process) when it ended before; Error(timed_out |
// interrupted).
[[nodiscard]] std::string interrupt_backup(const Repository& repository, const BackupOptions& options,
                                           const std::filesystem::path& log,
                                           const backup_engine::base::Deadline& deadline, const std::stop_token& stop);

// What a repository holds of a cluster that the harness did not back up.
struct StoredCluster {
  int postgres_major = 0;
  std::vector<reports::record::BackupRecord> backups;  // oldest first; a backup's time is from its start to its end
  std::vector<std::string> unreadable;                 // "OBJECT: what is wrong" of backups whose manifest is damaged
  struct Wal {
    std::uint32_t timeline = 1;
    std::string start_lsn, end_lsn;  // held without a gap
  };
  std::vector<Wal> wal;
};
// Throws base::Error: not_found for a repository, cluster or (with a label) backup that is not there, and what the
// engine throws.
[[nodiscard]] StoredCluster read_stored_cluster(const Repository& repository, const std::string& label = "");

// Drops the repository's files from the page cache, as far as the kernel allows without privilege, so that a restore
// reads from the disk. False when some file could not be evicted: the report then says `warm`.
[[nodiscard]] bool evict_from_page_cache(const Repository& repository);

}  // namespace harness::backup
