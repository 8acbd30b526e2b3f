// The engine's side of a drill: a repository, a WAL receiver running as a program of its own, and backups.
// Commands that an operator would type are run as such or journalled in that form, so that a runbook can repeat them.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/progress.hpp"
#include "harness/process/subprocess.hpp"
#include "harness/scenario/scenario.hpp"
#include "reports/record/report.hpp"

namespace harness::backup {

// The repository of one drill. `owner` (when root) is the servers' user, who must read it to recover.
struct Repository {
  std::filesystem::path directory;
  std::string cluster;
  std::filesystem::path lifeboat;  // an executable that the owner can run
  std::optional<process::OsUser> owner;
};

// `lifeboat repo init`, for the owner. Throws base::Error.
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

// Drops the repository's files from the page cache, as far as the kernel allows without privilege, so that a restore
// reads from the disk. False when some file could not be evicted: the report then says `warm`.
[[nodiscard]] bool evict_from_page_cache(const Repository& repository);

}  // namespace harness::backup
