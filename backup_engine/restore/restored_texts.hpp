// The files of a restored directory whose text the restore makes: configuration brought in from outside, the recovery
// settings, and a backup_manifest that fits them.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/restore/plan.hpp"
#include "backup_engine/restore/recovery_settings.hpp"
#include "backup_engine/store/backup_reader.hpp"

namespace backup_engine::restore {

struct RestoredTexts {
  std::vector<PlannedText> files;
  std::string archiving_note;  // or empty
};
[[nodiscard]] RestoredTexts make_texts(const store::BackupReader& reader, const RestoreRequest& request);

// The whole of one file of the backup. Throws Error(corrupt).
[[nodiscard]] std::vector<std::byte> read_whole(const store::BackupReader& reader, const store::FileEntry& entry);

}  // namespace backup_engine::restore
