// Writing a backup's files into a directory: through the file-system seam, so that tests can make every write, sync and
// rename fail. Until its last rename the directory has no global/pg_control and PostgreSQL refuses to start in it.
#pragma once

#include <functional>

#include "backup_engine/base/file_system.hpp"
#include "backup_engine/restore.hpp"

namespace backup_engine::restore {

// restore_backup over the given file system; reading the repository does not go through it.
[[nodiscard]] RestoreResult restore_backup(const RestoreRequest& request, base::FileSystem& file_system,
                                           base::Progress& progress, const std::stop_token& stop);

}  // namespace backup_engine::restore
