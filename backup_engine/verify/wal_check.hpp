// Checks every WAL object of a cluster, and which stretches of WAL are whole.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/postgres/wal_segment.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/store/wal_objects.hpp"
#include "backup_engine/verify/findings.hpp"

namespace backup_engine::verify {

// What the first page of a segment must say; nothing of it is known when cluster.json is damaged.
using WalIdentity = std::optional<store::ClusterIdentity>;

// The sound stretches. A segment, or the first part of one, begins with a page that names this cluster and position.
// `wanted` chooses the objects to look at. A receiver may turn parts into segments meanwhile:
// what vanished is looked up again, and is no finding.
[[nodiscard]] std::vector<ClusterSummary::WalRange> check_wal(
    store::Storage& storage, const std::string& cluster, postgres::SegmentSize size, const WalIdentity& identity,
    const std::function<bool(const store::WalObject&)>& wanted, unsigned jobs, Findings& findings);

// Empty when sound WAL reaches from the backup's start to its stop; otherwise says what is missing, and adds the
// finding unless a damaged object already explains it.
[[nodiscard]] std::string check_wal_of_backup(const store::Manifest& manifest,
                                              const std::vector<ClusterSummary::WalRange>& ranges, Findings& findings);

}  // namespace backup_engine::verify
