// Configuration of a server whose files are only sent, not read: what the data directory holds of it comes with the
// rest; what lies elsewhere can be had in SQL alone, by a role that may read the server's files. What is needed and
// cannot be had is refused, before the backup begins if that can be known then. Rules: docs/formats/backup.md.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "backup_engine/backup/backup_contents.hpp"
#include "backup_engine/backup/configuration_capture.hpp"
#include "backup_engine/backup/stream_entries.hpp"
#include "backup_engine/postgres/base_backup_connection.hpp"

namespace backup_engine::backup {

class StreamConfiguration {
 public:
  // Asks the server where its configuration lies, and reads it when the role may. Throws Error(permission) with the
  // grants that are missing when it lies elsewhere.
  void find(postgres::BaseBackupConnection& connection, const std::string& conninfo);

  // Files of the stream for which others stand.
  [[nodiscard]] std::set<std::string> replaced() const;
  // Whether what the stream brings must be looked at.
  [[nodiscard]] bool depends_on_stream() const { return !captured_; }

  // After the stream. Throws Error(permission) as find() does.
  void add_to(BackupContents& contents, const StreamEntries& entries) const;

 private:
  void add_captured(BackupContents& contents, const StreamEntries& entries) const;
  void require_self_contained(const StreamEntries& entries) const;

  std::optional<ConfigurationPlaces> places_;  // none: the role may not see them
  std::optional<CapturedConfiguration> captured_;
  postgres::ConfigurationReader reader_;  // of what was captured
};

}  // namespace backup_engine::backup
