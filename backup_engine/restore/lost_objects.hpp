// Whether the repository still holds all that a backup consists of.
#pragma once

#include <string>

#include "backup_engine/store/storage.hpp"

namespace backup_engine::restore {

// True when its manifest can be read and an object that it names is not there: somebody removed it. False without a
// manifest: then it expired, or the repository is not there at all.
[[nodiscard]] bool has_lost_objects(store::Storage& storage, const std::string& cluster, const std::string& label);

}  // namespace backup_engine::restore
