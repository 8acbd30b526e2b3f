#include "backup_engine/wal/copied_databases.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/wal/record_walk.hpp"

namespace backup_engine::wal {

namespace {

using Place = std::pair<std::uint32_t, std::uint32_t>;  // a database's directory in a tablespace, by their OIDs

class Places {
 public:
  void follow(const DatabaseChange& change) {
    for (const auto tablespace : change.tablespaces) {
      const Place place(change.oid, tablespace);
      copies_.erase(place);
      made_.erase(place);
      if (change.kind == DatabaseChange::Kind::made) made_.insert(place);
      if (change.kind == DatabaseChange::Kind::copied) copy(place, change);
      if (change.kind == DatabaseChange::Kind::removed) miss(place);
    }
  }
  [[nodiscard]] std::vector<CopiedDatabase> copies() const {
    std::map<Place, CopiedDatabase> by_database;
    for (const auto& [place, copy] : copies_) {
      const auto [at, is_new] = by_database.try_emplace({copy.told.oid, copy.told.from_oid}, copy.told);
      if (is_new) continue;
      at->second.record = std::min(at->second.record, copy.told.record);
      at->second.source_went = at->second.source_went || copy.told.source_went;
    }
    std::vector<CopiedDatabase> all;
    all.reserve(by_database.size());
    for (auto& [databases, told] : by_database) all.push_back(std::move(told));
    std::ranges::sort(all, {}, &CopiedDatabase::record);
    return all;
  }

 private:
  struct Copy {
    CopiedDatabase told;
    std::optional<Place> origin;  // whose files only the backup has; none: the WAL makes them
  };

  void copy(const Place& place, const DatabaseChange& change) {
    const Place from(change.from_oid, change.from_tablespace);
    Copy made{{change.record, change.oid, change.from_oid, {}, {}}, from};
    if (const auto found = copies_.find(from); found != copies_.end()) {
      made.origin = found->second.origin;
      made.told.source_went = found->second.told.source_went;
    } else if (made_.contains(from)) {
      made.origin.reset();
    }
    // The old place of what is moved goes right after, and from the disk before the WAL says so.
    if (made.origin && change.oid == change.from_oid) made.told.source_went = true;
    copies_.insert_or_assign(place, std::move(made));
  }
  void miss(const Place& place) {
    for (auto& [at, copy] : copies_) {
      if (copy.origin == place) copy.told.source_went = true;
    }
  }

  std::map<Place, Copy> copies_;
  std::set<Place> made_;
};

}  // namespace

CopiedDatabases find_copied_databases(const WalArchive& archive, const BackupSummary& backup, unsigned jobs,
                                      const std::stop_token& stop) {
  try {
    const auto end = walk_records(archive, path_to(archive, backup.timeline), backup.postgres_major, backup.start_lsn,
                                  backup.stop_lsn, jobs, stop);
    if (end.kind != RecordsEnd::Kind::reached) return std::nullopt;
    return copies_that_stay(end.databases);
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::interrupted) throw;
    return std::nullopt;
  }
}

std::vector<CopiedDatabase> copies_that_stay(const std::vector<DatabaseChange>& changes) {
  Places places;
  for (const auto& change : changes) places.follow(change);
  return places.copies();
}

}  // namespace backup_engine::wal
