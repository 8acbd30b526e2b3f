// Which WAL a repository holds durably: what a backup waits for, a receiver resumes from and a fetch must not bridge.
// Told from object names alone, because nothing is visible under its name before it is whole and synced.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/postgres/timeline.hpp"
#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/repository.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::wal {

using WalRange = ClusterSummary::WalRange;

// By timeline, then by position; what touches or overlaps is one range. One listing of the cluster's WAL. Thread-safe.
[[nodiscard]] std::vector<WalRange> durable_ranges(store::Storage& storage, const std::string& cluster,
                                                   postgres::SegmentSize size);

// Where the last range of `timeline` ends; nullopt when there is none.
[[nodiscard]] std::optional<postgres::Lsn> durable_end(std::span<const WalRange> ranges, postgres::TimelineId timeline);
// Whether one range of `timeline` holds everything from `start` up to `stop`.
[[nodiscard]] bool holds(std::span<const WalRange> ranges, postgres::TimelineId timeline, postgres::Lsn start,
                         postgres::Lsn stop);

}  // namespace backup_engine::wal
