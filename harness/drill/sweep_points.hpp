// Which points of the WAL a sweep judges: every boundary, and random ones, the same for the same seed. Pure: what the
// WAL holds where, others tell (docs/scenarios.md, "pitr_sweep").
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// A prefix of the WAL: every record that starts before `position` is to be replayed, and no other. WAL is there up to
// `served`, which may cut a record in two.
struct PrefixPoint {
  std::string boundary;
  backup_engine::postgres::Lsn position, served;
};

struct SweptWal {
  const reports::record::CommitOrderEvidence& order;
  const std::vector<reports::record::BackupRecord>& backups;  // the first of them is restored
  backup_engine::postgres::Lsn until;                         // as far as recovery must be able to go
  backup_engine::postgres::SegmentSize segment_size;
  // The first record that starts there or later; the last one that ends there or before.
  std::function<std::optional<reports::record::RecordPlace>(backup_engine::postgres::Lsn)> first_from, last_whole;
};

// In the order of the WAL, no two alike: all boundaries, and as many random ones as make `points` of it. Throws
// base::Error(not_found) when no record lies behind the first backup.
[[nodiscard]] std::vector<PrefixPoint> choose_prefixes(const SweptWal& wal, std::size_t points, std::uint64_t seed);

// A recovery target that gets a restore of its own.
struct OwnPoint {
  std::string boundary;
  reports::record::RestoreTarget target;
  // Of an LSN at a boundary: each record that starts before it is to be replayed. Others are looked up in the order of
  // commits when they are judged.
  std::optional<backup_engine::postgres::Lsn> position{};
};
// Each kind of target that can name a place between the newest backup and `until`, where it has meaning both inclusive
// and exclusive; time, lsn and xid at a commit chosen by the seed, time only where one of a later time follows. And an
// LSN, which alone can name them, at each kind of boundary that is no commit.
[[nodiscard]] std::vector<OwnPoint> choose_targets(const SweptWal& wal, std::uint64_t seed);

}  // namespace harness::drill
