// Words for the databases that were copied while a backup was taken, and names, of which WAL knows only OIDs.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/store/manifest.hpp"

namespace backup_engine::store {

// A clause or two, without what to do.
[[nodiscard]] std::string what_recovery_does(const CopiedDatabase& copied);

// Those of them that are in the list of the backup's databases.
void give_names(std::vector<CopiedDatabase>& copied, const std::vector<Database>& databases);

}  // namespace backup_engine::store
