// Which backup recovery begins from, and where it will stop: decided from manifests and WAL before anything is written.
// Rules and messages: docs/recovery-targets.md.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/restore.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::restore {

struct Recovery {
  std::string backup_label;
  std::vector<std::string> notes;  // for RestoreResult
};

// The newest backup (or the one asked for) whose stop lies before the point at which PostgreSQL will stop, replaying
// from that backup. request.target is spelled for PostgreSQL. Throws Error not_found or usage, with what can be reached
// instead; corrupt when WAL that must be looked at is damaged.
[[nodiscard]] Recovery choose_recovery(store::Storage& storage, const RestoreRequest& request);

}  // namespace backup_engine::restore
