// The SQL side of a backup: what the server says about itself, pg_backup_start and pg_backup_stop on one connection.
// When that connection ends early the server forgets the backup by itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/store/manifest.hpp"

namespace backup_engine::backup {

struct StoppedBackup {
  postgres::Lsn stop_lsn;
  std::string backup_label;    // as returned, to the byte
  std::string tablespace_map;  // likewise; empty without tablespaces
  base::UtcTime stopped_at;    // the server's clock, after the stop
  std::vector<store::Database> databases;
};

class Session {
 public:
  // Connects. Throws Error: connection, unsupported (the major is named), permission.
  explicit Session(const std::string& conninfo);

  // Throws Error(mismatch) when `data_directory` (whose pg_control is `control`) is not the connected server's, and
  // Error(unsupported) when the server is a standby.
  void require_serving(const std::filesystem::path& data_directory, const postgres::ControlFile& control);

  [[nodiscard]] std::filesystem::path setting_path(const std::string& name);  // config_file, hba_file, …

  // Writes a little WAL and returns the position up to which it is flushed.
  [[nodiscard]] postgres::Lsn write_wal();

  // The timeline that the server writes now. pg_control may lag behind it after a promotion.
  [[nodiscard]] postgres::TimelineId timeline();

  // Asks for an immediate checkpoint; blocks until it is done. The position where recovery will start.
  [[nodiscard]] postgres::Lsn start(const std::string& label);
  // Does not wait for archiving.
  [[nodiscard]] StoppedBackup stop();

 private:
  std::vector<store::Database> databases();
  postgres::Rows query(const std::string& sql, const std::vector<postgres::Value>& parameters = {});
  postgres::Connection connection_;
};

// "START TIMELINE" and "START WAL LOCATION" of a backup_label. Throws Error(corrupt).
struct LabelStart {
  postgres::TimelineId timeline;
  postgres::Lsn lsn;
};
[[nodiscard]] LabelStart parse_label_start(const std::string& backup_label);

}  // namespace backup_engine::backup
