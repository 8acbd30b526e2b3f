// In which order backups were taken. Clocks step back, run ahead and differ between hosts; WAL does not, so where order
// matters (what an incremental builds on, what is newest for a restore or for expire) positions in it decide. Labels
// follow that order as far as clocks allow, for people. Defined in docs/formats/backup.md, "Labels and order".
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/repository.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

// By timeline, then by where it stopped in the WAL; of two that stopped at one point (an idle standby's) by label.
[[nodiscard]] bool is_older(const BackupSummary& one, const BackupSummary& other);

// A label that runs further ahead of the clock than this is taken for a clock's error, which later ones do not follow.
inline constexpr std::chrono::hours most_ahead{24};

// The label of a backup that begins `now`: a second later than every label of the cluster, published, being taken or
// left behind, unless that one is more than `most_ahead` of `now`. Nothing lies under it and nobody holds it.
[[nodiscard]] std::string new_backup_label(Storage& storage, const std::string& cluster, BackupType type,
                                           base::UtcTime now);

struct ReadSummaries {
  struct Unreadable {
    std::string label;
    base::Error error;  // corrupt or unsupported
  };
  std::vector<BackupSummary> backups;  // oldest first, see is_older
  std::vector<Unreadable> unreadable;  // in order of label
};

// Of every backup that is published. One that expires meanwhile is left out.
[[nodiscard]] ReadSummaries read_summaries(Storage& storage, const std::string& cluster);

}  // namespace backup_engine::store
