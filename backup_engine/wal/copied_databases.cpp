#include "backup_engine/wal/copied_databases.hpp"

#include <set>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/record_walk.hpp"

namespace backup_engine::wal {

CopiedDatabases find_copied_databases(const WalArchive& archive, const BackupSummary& backup, unsigned jobs,
                                      const std::stop_token& stop) {
  try {
    auto end = walk_records(archive, path_to(archive, backup.timeline), backup.postgres_major, backup.start_lsn,
                            backup.stop_lsn, jobs, stop);
    if (end.kind != RecordsEnd::Kind::reached) return std::nullopt;
    drop_repeated(end.copied_databases);
    return std::move(end.copied_databases);
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::interrupted) throw;
    return std::nullopt;
  }
}

void drop_repeated(std::vector<CopiedDatabase>& copied) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
  std::erase_if(copied, [&](const auto& each) { return !seen.emplace(each.oid, each.from_oid).second; });
}

}  // namespace backup_engine::wal
