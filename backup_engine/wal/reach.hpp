// What wal check says of a repository, from what was gathered there. Pure.
#pragma once

#include <map>
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
};

// Timelines, backups and findings; the rest of the result stays as it is.
void describe_reach(const RepositoryFacts& facts, WalCheckResult& result);

}  // namespace backup_engine::wal
