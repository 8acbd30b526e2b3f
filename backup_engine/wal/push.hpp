// What push_wal does, over a given file system and told what it did: one file that PostgreSQL hands over, and the
// segments behind it that are ready as well. Rules: docs/formats/wal.md, "Pushing".
#pragma once

#include "backup_engine/base/file_system.hpp"
#include "backup_engine/wal.hpp"

namespace backup_engine::wal {

[[nodiscard]] WalPushResult push(const WalPushRequest& request, base::FileSystem& file_system);

}  // namespace backup_engine::wal
