// A backup may hold pages that were damaged on its source already. An older one without any, to whose files the same
// WAL is applied, gives the same point with every page sound: it is preferred where it leads there
// (docs/adr/0009-an-older-sound-backup-before-damaged-pages.md).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "backup_engine/restore.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::restore {

enum class Way {
  none,
  ends_behind,      // the point lies before this backup's own end; an older one may lead there
  same_point,       // as the newer backup leads to
  new_tablespaces,  // to that point, but recovery creates tablespaces before the newer backup begins
};

struct Preference {
  std::size_t index = 0;                 // of the backup to restore
  std::vector<std::string> passed_over;  // labels of newer ones that lead there too, for their damaged pages
  std::vector<std::string> notes;        // of damaged pages, and of what to do about them
};

// `backups` in the order in which recovery could begin from them; `chosen` is what would be restored if all were sound.
// Only pages that the restore puts in place count: none of a hollow database. An older one counts as sound where its
// pages had checksums, and where it holds the databases that were asked for as the same ones (by OID). way_from() is
// asked about older ones in turn, at most until it leads somewhere. Throws Error as read_manifest and HollowDatabases
// of the chosen one.
[[nodiscard]] Preference prefer_sound(store::Storage& storage, const RestoreRequest& request,
                                      const std::vector<BackupSummary>& backups, std::size_t chosen,
                                      const std::function<Way(std::size_t)>& way_from);

}  // namespace backup_engine::restore
