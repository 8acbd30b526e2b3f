// What a differential or an incremental backup builds on. Defined in docs/formats/backup.md, "Chains".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backup_engine/repository.hpp"
#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::backup {

// A differential builds on the newest full, an incremental on the newest backup of any type. Throws Error: not_found
// when there is none, corrupt when it cannot be read: never silently a full instead. `storage` outlives the result.
[[nodiscard]] std::shared_ptr<const store::BackupReader> open_parent(store::Storage& storage,
                                                                     const std::string& cluster, BackupType type);

// Labels from the full to `parent`; none without one.
[[nodiscard]] std::vector<std::string> chain_of(const store::BackupReader* parent);

}  // namespace backup_engine::backup
