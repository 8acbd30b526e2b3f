// As backup_engine::rekey_repository, over the given file system.
#pragma once

#include "backup_engine/base/file_system.hpp"
#include "backup_engine/encryption.hpp"

namespace backup_engine::store {

RekeyResult rekey_repository(const RekeyRequest& request, base::FileSystem& file_system);

}  // namespace backup_engine::store
