// What wal check must know of a repository into which receivers, backups and expires write meanwhile: read in an order
// in which nothing is missing that was there when what needs it was seen.
#pragma once

#include <string>

#include "backup_engine/store/storage.hpp"
#include "backup_engine/wal/reach.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::wal {

// What cannot be read is told, and does not hide the rest. Throws Error as the storage does.
[[nodiscard]] RepositoryFacts gather_facts(store::Storage& storage, const std::string& cluster,
                                           const WalArchive& archive);

}  // namespace backup_engine::wal
