// The source's own archiver with `lifeboat wal push` as its archive_command: WAL leaves the source a segment at a time.
#pragma once

#include <stop_token>
#include <string>

#include "backup_engine/base/deadline.hpp"
#include "harness/backup/engine_backup.hpp"

namespace harness::backup {

class WalArchiver {
 public:
  // The server runs with archive_mode = on; it archives into `repository` from now on. Throws base::Error.
  [[nodiscard]] static WalArchiver start(const Repository& repository, const std::string& conninfo);

  // Lets every archive_command fail, until start() is called again.
  void break_off() const;

  // Ends the segment that holds `lsn`, which lies behind nothing that was written, and waits until PostgreSQL was told
  // that it is archived. Throws Error(timed_out) with what the archiver says of itself.
  void wait_until_archived(const std::string& lsn, const backup_engine::base::Deadline& deadline,
                           const std::stop_token& stop) const;
  // Up to where the repository holds WAL, as PostgreSQL was told: an LSN. Throws Error(process) when the last attempt
  // to archive failed.
  [[nodiscard]] std::string archived_lsn() const;

 private:
  explicit WalArchiver(std::string conninfo) : conninfo_(std::move(conninfo)) {}
  std::string conninfo_;
};

}  // namespace harness::backup
