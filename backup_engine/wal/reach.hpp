// What wal check says of a repository, from what was gathered there. Pure.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backup_engine/wal/timeline_path.hpp"
#include "backup_engine/wal/wal_gap.hpp"
#include "backup_engine/wal/wal_ranges.hpp"
#include "backup_engine/wal_check.hpp"

namespace backup_engine::wal {

struct RepositoryFacts {
  std::vector<WalRange> ranges;
  std::vector<std::pair<WalGap, std::string>> gaps;  // with what was recorded
  std::map<postgres::TimelineId, std::vector<postgres::TimelineSwitch>> histories;
  std::vector<BackupSummary> backups;   // oldest first
  std::vector<std::string> unreadable;  // manifests, and what is wrong with them
  // Where wal_level = minimal begins, in order: only records tell, so where none were read there is none.
  std::vector<std::pair<postgres::TimelineId, postgres::Lsn>> minimal{};
};

// Up to which of `minimal` recovery along the path gets from a backup that starts at `start`; none: past all.
[[nodiscard]] std::optional<postgres::Lsn> first_minimal(
    std::span<const std::pair<postgres::TimelineId, postgres::Lsn>> minimal, const TimelinePath& path,
    postgres::Lsn start);

// Timelines, backups and findings; the rest of the result stays as it is.
void describe_reach(const RepositoryFacts& facts, WalCheckResult& result);

}  // namespace backup_engine::wal
