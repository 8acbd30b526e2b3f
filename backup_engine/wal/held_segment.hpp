// What a repository holds of one segment of WAL: all of it, or as far as the parts of an open one reach.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::wal {

// The bytes from the segment's start; nullopt when nothing of it is there. Looks again when a receiver closes the
// segment or merges its parts meanwhile. Throws Error(corrupt).
[[nodiscard]] std::optional<std::vector<std::byte>> read_held(const WalArchive& archive,
                                                              const postgres::WalSegment& segment);

}  // namespace backup_engine::wal
