// What a recovery asks for, by PostgreSQL's name for it, out of a cluster's archive: a segment (one that is still open
// joined from its parts and filled with zeros), a history, a .partial, a .backup. Zeros and "not there" both look like
// the end of WAL to PostgreSQL, so they are said only where WAL really ends: docs/formats/wal.md, "Fetching".
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "backup_engine/store/storage.hpp"
#include "backup_engine/wal.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine::wal {

// A cluster's archive with the storage that it reads.
struct OpenArchive {
  std::unique_ptr<store::Storage> storage;
  WalArchive archive;
};
// For reading. Throws Error as opening a repository and a cluster does.
[[nodiscard]] OpenArchive open_archive(const RepositoryLocation& location, const std::string& cluster);

// A recovery takes "not there" for the end of WAL, and promotes; a standby looks elsewhere, and asks again.
enum class AskedBy { recovery, standby };

// Hands the file's bytes to `write` in order, none when it is not there. Throws Error, possibly after some of them:
// corrupt (an object is damaged, or the file lies in a hole or, for a recovery, before all that is held), not_found
// (there is no WAL of the cluster at all), usage (no name of WAL).
[[nodiscard]] WalFetchOutcome copy_asked(const WalArchive& archive, const std::string& cluster, const std::string& name,
                                         AskedBy asked_by,
                                         const std::function<void(std::span<const std::byte>)>& write);

}  // namespace backup_engine::wal
