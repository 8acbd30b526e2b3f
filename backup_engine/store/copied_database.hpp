// Names for the databases that were copied while a backup was taken, of which WAL knows only OIDs.
#pragma once

#include <vector>

#include "backup_engine/store/manifest.hpp"

namespace backup_engine::store {

// Those of them that are in the list of the backup's databases.
void give_names(std::vector<CopiedDatabase>& copied, const std::vector<Database>& databases);

}  // namespace backup_engine::store
