// The one message for a target that recovery cannot reach: why, and what can be reached instead.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "backup_engine/base/refusal.hpp"
#include "backup_engine/restore/stop_search.hpp"

namespace backup_engine::restore {

struct MinimalStretch {
  postgres::Lsn begin;                  // where wal_level = minimal begins
  const BackupSummary* next = nullptr;  // which can be recovered behind it; nullptr: none can
};

struct Unreachable {
  const RestoreRequest& request;
  const BackupSummary& oldest;                  // of the backups that could be begun from
  std::optional<Stop> stop;                     // where recovery from it would stop; none: nowhere
  Findings search;                              // what the search for the target met
  Findings tail;                                // of the WAL held without a hole
  std::optional<postgres::Lsn> wal_held_again;  // behind a hole
  postgres::TimelineId timeline;                // the one that recovery would go to
  std::set<postgres::TimelineId> others;        // of which WAL is held that does not lie on the way there
  std::vector<MinimalStretch> minimal{};        // met by the search, in order
  std::optional<Stop> beyond{};                 // where recovery would stop if it could get past the first of them
};

// Of kind not_found, or usage when another backup than the one asked for may do.
[[nodiscard]] base::Refusal describe_unreachable(const Unreachable& facts);

}  // namespace backup_engine::restore
