// Which backup recovery begins from, and where it will stop: decided from manifests and WAL before anything is written.
// Rules and messages: docs/recovery-targets.md.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/restore.hpp"
#include "backup_engine/store/storage.hpp"
#include "backup_engine/wal/wal_record.hpp"

namespace backup_engine::restore {

struct Recovery {
  std::string backup_label;
  std::vector<std::string> notes, passed_over;       // for RestoreResult
  std::vector<wal::TablespaceCreation> tablespaces;  // that are created between the backup's start and the stop
  std::optional<RecoveryTarget> end;                 // of the end of WAL: the last record of today, as a target
};

// The newest backup (or the one asked for) whose stop lies before the point at which PostgreSQL will stop, replaying
// from that backup; an older one before one with damaged pages (prefer_sound.hpp). request.target is spelled for
// PostgreSQL. Throws Error not_found or usage, with what can be reached instead; corrupt when WAL that must be looked
// at is damaged; interrupted.
[[nodiscard]] Recovery choose_recovery(store::Storage& storage, const RestoreRequest& request,
                                       const std::stop_token& stop = {});

}  // namespace backup_engine::restore
