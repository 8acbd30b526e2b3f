// What WAL a repository holds, told from the names of its objects alone.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/repository.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

struct WalObject {
  std::string name;
  std::uint64_t size_bytes = 0;
  WalObjectName parsed;
};

// In order of timeline and position; names that are no WAL object's are left out.
[[nodiscard]] std::vector<WalObject> list_wal(Storage& storage, const std::string& cluster, postgres::SegmentSize size);
// The stretches without a gap that whole segments and parts cover, in order.
[[nodiscard]] std::vector<ClusterSummary::WalRange> continuous_ranges(const std::vector<WalObject>& objects,
                                                                      postgres::SegmentSize size);

}  // namespace backup_engine::store
