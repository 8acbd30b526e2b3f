// What of a cluster's objects is needed, and what is not: pure over what was read of the repository.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "backup_engine/expire.hpp"
#include "backup_engine/store/intent.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/wal_objects.hpp"
#include "backup_engine/wal/timeline_path.hpp"

namespace backup_engine::retention {

// One look at a cluster. In this order, so that whatever belongs to a backup that was going on when its objects were
// listed has its intent or its manifest in the lists that follow: objects, intents, manifests.
struct View {
  std::string cluster;
  postgres::SegmentSize segment_size;
  std::vector<store::ListedObject> objects;
  std::vector<std::string> folders;   // of backups, whether or not anything lies in them
  std::vector<std::string> old_puts;  // interrupted, and no running put's
  std::vector<store::Intent> intents;
  std::map<std::string, store::Manifest> manifests;         // by label
  std::set<std::string> unrestorable;                       // labels whose packs, index or WAL are not all there
  std::map<postgres::TimelineId, wal::TimelinePath> paths;  // of the timelines that WAL is held of, where known
};

struct Sorting {
  std::vector<ExpiredObject> going;    // in the order in which it may go
  std::vector<ExpiredObject> staying;  // of backups without a manifest that stays, with the reason
};

// `expired`: labels of manifests to go; every other manifest stays. `window_base`: see Selection; when it is not among
// those that stay, no WAL goes.
[[nodiscard]] Sorting sort_objects(const View& view, const std::vector<std::string>& expired,
                                   const std::string& window_base);

// A backup that stopped in the future, by its server's clock, though one that is newer by the WAL did not, gets the
// time of that one: for ever newest it would push out all others. Where nothing newer tells, and where every time lies
// ahead (then it is `now` that is behind), times stay.
void settle_times(std::map<std::string, store::Manifest>& manifests, base::UtcTime now);

// Whether every point from the backup on can be reached: it is no older than the window's base.
[[nodiscard]] bool is_point_in_time(const View& view, const std::string& label, const std::string& window_base);

[[nodiscard]] base::UtcTime stop_of(const store::Manifest& manifest);
// Labels in whose folders nothing may go, with who holds them.
[[nodiscard]] std::map<std::string, std::string> held_labels(const View& view);

}  // namespace backup_engine::retention
