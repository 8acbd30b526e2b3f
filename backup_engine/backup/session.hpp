// The SQL side of a backup that reads files itself: what the server says about itself, pg_backup_start and
// pg_backup_stop on one connection. When that connection ends early the server forgets the backup by itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "backup_engine/backup/required_places.hpp"
#include "backup_engine/backup/source.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"

namespace backup_engine::backup {

class Session {
 public:
  // Connects. Throws Error: connection, unsupported (the major is named), permission.
  explicit Session(const std::string& conninfo);

  // Throws Error(mismatch) when `data_directory` (whose pg_control is `control`) is not the connected server's.
  void require_serving(const std::filesystem::path& data_directory, const postgres::ControlFile& control);

  [[nodiscard]] std::filesystem::path setting_path(const std::string& name);  // config_file, hba_file, …

  // The timeline that the server writes now (pg_control may lag behind it after a promotion); of a standby, after
  // start(), the one of its backup's start.
  [[nodiscard]] postgres::TimelineId timeline();

  // Asks for an immediate checkpoint (of a standby: a restartpoint); blocks until it is done. The position where
  // recovery will start. Throws Error(unsupported) where a standby replays WAL without full page images.
  [[nodiscard]] postgres::Lsn start(const std::string& label);
  [[nodiscard]] ServerInventory inventory();
  // As end_archived_segment.
  void end_segment();
  // Does not wait for archiving.
  [[nodiscard]] StoppedBackup stop();

 private:
  postgres::Rows query(const std::string& sql, const std::vector<postgres::Value>& parameters = {});
  postgres::Rows ask_to_stop();
  bool in_recovery();
  void explain_standby(const base::Error& error);
  void explain_wal_level(const base::Error& error);
  postgres::Connection connection_;
};

// "START TIMELINE" and "START WAL LOCATION" of a backup_label. Throws Error(corrupt).
struct LabelStart {
  postgres::TimelineId timeline;
  postgres::Lsn lsn;
};
[[nodiscard]] LabelStart parse_label_start(const std::string& backup_label);

}  // namespace backup_engine::backup
