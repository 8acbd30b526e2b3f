// Putting a safety copy back, and dropping it, through the file-system seam, so that tests can make every rename and
// sync fail. docs/restore.md, "In place, with a safety copy".
#pragma once

#include <filesystem>

#include "backup_engine/base/file_system.hpp"
#include "backup_engine/restore/safety_journal.hpp"

namespace backup_engine::restore {

// `to` as it is named in the journal: absolute, links resolved.
[[nodiscard]] std::filesystem::path resolved(const std::filesystem::path& to);

// As roll_back_safety_copy and drop_safety_copy. `to` is resolved.
void roll_back(const std::filesystem::path& to, base::FileSystem& file_system, unsigned jobs);
void drop(const std::filesystem::path& to, base::FileSystem& file_system, unsigned jobs);

// Ends what was begun, from whatever state but dropping, and leaves no safety copy. The folder is locked by the caller,
// and what lies in the old cluster's place is known to be the restore's.
void put_old_cluster_back(SafetyJournal journal, const std::filesystem::path& folder, base::FileSystem& file_system,
                          unsigned jobs);

}  // namespace backup_engine::restore
