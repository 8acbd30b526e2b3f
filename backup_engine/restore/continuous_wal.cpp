#include "backup_engine/restore/continuous_wal.hpp"

#include <fmt/format.h>

#include "backup_engine/base/refusal.hpp"
#include "backup_engine/refusal.hpp"
#include "backup_engine/wal/continuity.hpp"
#include "backup_engine/wal/record_walk.hpp"

namespace backup_engine::restore {

using base::Error;
using base::ErrorKind;
using base::Refusal;

namespace {

// What can be done depends on where the records end, and only a walk that got there knows.
wal::RecordsEnd walk(const wal::WalArchive& archive, const wal::TimelinePath& path, const BackupSummary& backup,
                     postgres::Lsn until, unsigned jobs, const std::stop_token& stop) {
  try {
    return wal::walk_records(archive, path, backup.postgres_major, backup.start_lsn, until, jobs, stop);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    throw Refusal(
        refusal::wal_damaged,
        Error(ErrorKind::corrupt,
              fmt::format("recovery from backup {} cannot go to the end of WAL: {}", backup.label, error.what()))
            .with_remedy(
                "nothing was written. `lifeboat verify` says up to where the WAL of each backup is sound: give such a "
                "point with --target-lsn or --target-time, or restore from a backup taken behind the damage"));
  }
}

Error ends_in_minimal(const wal::MinimalWal& minimal, const BackupSummary& backup, postgres::Lsn until) {
  const auto last =
      minimal.before && *minimal.before >= backup.stop_lsn
          ? fmt::format("The last point that can be recovered: --target-lsn {}", to_string(*minimal.before))
          : std::string("What it can be restored to is its own consistent point: --target-immediate");
  return Error(ErrorKind::corrupt,
               fmt::format("recovery from backup {} cannot go to the end of WAL: at {} the server was started with "
                           "wal_level = minimal, past which PostgreSQL recovers nothing, and WAL is held up to {}",
                           backup.label, to_string(minimal.record), to_string(until)))
      .with_remedy(
          fmt::format("nothing was written. {}. What was written behind it only a backup taken behind it holds: "
                      "take a new one while that server lives",
                      last));
}

wal::RecordsEnd require_records(const wal::WalArchive& archive, const wal::TimelinePath& path,
                                const BackupSummary& backup, postgres::Lsn until, unsigned jobs,
                                const std::stop_token& stop) {
  auto end = walk(archive, path, backup, until, jobs, stop);
  if (!end.minimal.empty()) {
    throw Refusal(refusal::wal_minimal, ends_in_minimal(end.minimal.front(), backup, until));
  }
  if (end.kind != wal::RecordsEnd::Kind::broken) return end;
  const auto last = end.last && *end.last >= backup.stop_lsn
                        ? fmt::format("The last point that can be recovered: --target-lsn {}", to_string(*end.last))
                        : std::string("No point of this backup can be recovered");
  throw Refusal(
      refusal::wal_damaged,
      Error(ErrorKind::corrupt,
            fmt::format("recovery from backup {} cannot go to the end of WAL: its records end at {}, and WAL is held "
                        "up to {} ({})",
                        backup.label, to_string(end.at), to_string(until), end.why))
          .with_remedy(
              fmt::format("nothing was written. It is damaged there, or behind it lies another history of the "
                          "server, put back to an earlier state. {}; or restore from a backup taken behind it. "
                          "`lifeboat verify` lists both",
                          last)));
}

}  // namespace

std::optional<wal::RecordsEnd> require_continuous_wal(const wal::WalArchive& archive, const wal::TimelinePath& path,
                                                      const BackupSummary& backup, const RestoreRequest& request,
                                                      const std::stop_token& stop) {
  const auto ranges = archive.ranges();
  const auto until = held_until(ranges, path, backup.start_lsn);
  if (until < backup.stop_lsn) {
    throw Refusal(
        refusal::wal_gap,
        Error(ErrorKind::corrupt,
              fmt::format("backup {} cannot be restored: of its own WAL, {} to {} is missing on timeline {}",
                          backup.label, to_string(until), to_string(backup.stop_lsn), backup.timeline.number()))
            .with_remedy("choose another backup with --backup; `lifeboat wal check` says which ones have their WAL"));
  }
  if (request.target.kind != TargetKind::end_of_wal) return std::nullopt;
  if (const auto hole = wal::first_hole(ranges, archive.gaps(), path, backup.start_lsn)) {
    throw Refusal(
        refusal::wal_gap,
        Error(ErrorKind::corrupt,
              fmt::format("recovery from backup {} cannot go to the end of WAL: the WAL of "
                          "timeline {} is missing from {} to {}",
                          backup.label, hole->timeline.number(), to_string(hole->from), to_string(hole->to)))
            .with_remedy(fmt::format("nothing was written. The last point before the gap: --target-lsn, up to {}; or "
                                     "restore from a backup taken after it. `lifeboat wal check` lists both",
                                     to_string(hole->from))));
  }
  return require_records(archive, path, backup, until, request.jobs, stop);
}

}  // namespace backup_engine::restore
