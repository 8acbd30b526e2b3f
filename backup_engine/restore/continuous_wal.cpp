#include "backup_engine/restore/continuous_wal.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/continuity.hpp"

namespace backup_engine::restore {

using base::Error;
using base::ErrorKind;

void require_continuous_wal(const wal::WalArchive& archive, const wal::TimelinePath& path, const BackupSummary& backup,
                            TargetKind target) {
  const auto ranges = archive.ranges();
  const auto until = held_until(ranges, path, backup.start_lsn);
  if (until < backup.stop_lsn) {
    throw Error(ErrorKind::corrupt,
                fmt::format("backup {} cannot be restored: of its own WAL, {} to {} is missing on timeline {}",
                            backup.label, to_string(until), to_string(backup.stop_lsn), backup.timeline.number()))
        .with_remedy("choose another backup with --backup; `lifeboat wal check` says which ones have their WAL");
  }
  if (target != TargetKind::end_of_wal) return;
  const auto hole = wal::first_hole(ranges, archive.gaps(), path, backup.start_lsn);
  if (!hole) return;
  throw Error(ErrorKind::corrupt,
              fmt::format("recovery from backup {} cannot go to the end of WAL: the WAL of timeline {} is missing from "
                          "{} to {}",
                          backup.label, hole->timeline.number(), to_string(hole->from), to_string(hole->to)))
      .with_remedy(fmt::format("nothing was written. The last point before the gap: --target-lsn, up to {}; or restore "
                               "from a backup taken after it. `lifeboat wal check` lists both",
                               to_string(hole->from)));
}

}  // namespace backup_engine::restore
