// Copies a listing's files into a backup on several threads: the largest first, big ones in pieces, so that no single
// file holds the others up. Memory: one buffer and one pack a thread, and what the
// listing and the backup know of each file.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "backup_engine/backup/put_file.hpp"
#include "backup_engine/backup/source_files.hpp"
#include "backup_engine/base/pace.hpp"
#include "backup_engine/base/progress.hpp"
#include "backup_engine/store/backup_writer.hpp"

namespace backup_engine::backup {

struct CopyOptions {
  unsigned jobs = 1;
  bool verify_pages = false;                             // the cluster has data checksums
  std::uint64_t piece_bytes = std::uint64_t{64} << 20U;  // of a big file, per turn of a thread
  base::Pace* pace = nullptr;                            // of reading; outlives the call; null: no limit
};

// A file that vanished since it was listed is left out; its size is what the listing says, which WAL puts right. A
// short one that is none of PostgreSQL's own data, configuration above all, is read as it is by then. Throws Error:
// permission, io, no_space, interrupted; nothing of the backup is visible then.
[[nodiscard]] CopiedFiles copy_files(const SourceListing& listing, store::BackupWriter& writer,
                                     const CopyOptions& options, base::Progress& progress, const std::stop_token& stop);

}  // namespace backup_engine::backup
