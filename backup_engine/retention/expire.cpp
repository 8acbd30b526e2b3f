#include "backup_engine/retention/expire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/retention/needs.hpp"
#include "backup_engine/retention/rules.hpp"
#include "backup_engine/store/block_index_format.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/wal_archive.hpp"

namespace backup_engine {

using base::Error;
using base::ErrorKind;

namespace retention {
namespace {

class Looking {
 public:
  Looking(store::Storage& storage, const std::string& cluster, const ExpireRequest& request)
      : storage_(storage), request_(request) {
    view_.cluster = cluster;
    view_.segment_size = store::read_cluster(storage, cluster).wal_segment_size;
  }

  View look() {
    view_.objects = storage_.list(store::cluster_prefix(view_.cluster));
    const auto puts = storage_.list_debris(store::cluster_prefix(view_.cluster));
    view_.folders = storage_.list_folders(store::backups_prefix(view_.cluster));
    view_.intents = store::list_intents(storage_, view_.cluster);
    read_manifests();
    find_old_puts(puts);
    read_timelines();
    find_unrestorable();
    return std::move(view_);
  }

 private:
  void read_manifests() {
    for (const auto& label : store::list_backup_labels(storage_, view_.cluster)) {
      try {
        view_.manifests.emplace(label, store::read_manifest(storage_, view_.cluster, label));
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) continue;  // another host expires too
        if (error.kind() != ErrorKind::corrupt) throw;
        throw Error(ErrorKind::corrupt,
                    fmt::format("{}; so nobody knows what that backup needs, and nothing expires", error.what()))
            .with_remedy("bring the manifest back from a copy of the repository, or move it out of the repository");
      }
    }
    settle_times(view_.manifests, request_.now);
  }

  // In the folder of a backup an intent says whether puts go on; elsewhere only their age does.
  void find_old_puts(const std::vector<std::string>& puts) {
    const auto held = held_labels(view_);
    const auto prefix = store::backups_prefix(view_.cluster);
    for (const auto& name : puts) {
      const auto label = name.starts_with(prefix)
                             ? name.substr(prefix.size(), name.find('/', prefix.size()) - prefix.size())
                             : std::string();
      if (store::parse_backup_label(label)) {
        if (!held.contains(label)) view_.old_puts.push_back(name);
        continue;
      }
      const auto changed = storage_.changed_at(name);
      if (changed && *changed + request_.debris_age <= request_.now) view_.old_puts.push_back(name);
    }
  }

  void read_timelines() {
    const wal::WalArchive archive(storage_, view_.cluster, view_.segment_size, {});
    for (const auto& object : view_.objects) {
      const auto parsed = store::parse_wal_object(view_.cluster, object.name, view_.segment_size);
      if (!parsed || view_.paths.contains(parsed->segment.timeline)) continue;
      const auto timeline = parsed->segment.timeline;
      if (timeline == postgres::TimelineId(1) || archive.read_history(timeline)) {
        view_.paths.emplace(timeline, wal::path_to(archive, timeline));
      }
    }
  }

  void find_unrestorable() {
    std::map<std::string, std::uint64_t> sizes;
    for (const auto& object : view_.objects) sizes.emplace(object.name, object.size_bytes);
    // One published meanwhile has objects that the list lacks.
    const auto is_there = [&](const std::string& name, std::uint64_t size) {
      const auto listed = sizes.find(name);
      return listed != sizes.end() ? listed->second == size : storage_.size(name) == size;
    };
    // Cut off is as bad as gone.
    const auto index_is_there = [&](const std::string& owner) {
      const auto index = store::block_index_name(view_.cluster, owner);
      const auto hashes = store::block_hashes_name(view_.cluster, owner);
      const auto manifest = view_.manifests.find(owner);
      if (manifest == view_.manifests.end()) return are_alike(storage_.size(index), storage_.size(hashes));
      return is_there(index, manifest->second.block_index.size_bytes) &&
             is_there(hashes, manifest->second.block_hashes.size_bytes);
    };
    const auto ranges = wal::durable_ranges(storage_, view_.cluster, view_.segment_size);
    for (const auto& [label, manifest] : view_.manifests) {
      const auto& summary = manifest.summary;
      const bool restorable =
          is_there(store::file_table_name(view_.cluster, label), manifest.file_table.size_bytes) &&
          is_there(store::block_root_name(view_.cluster, label), manifest.block_root.size_bytes) &&
          std::ranges::all_of(store::used_packs(manifest),
                              [&](const auto& pack) {
                                return is_there(store::pack_name(view_.cluster, pack.backup_label, pack.number),
                                                pack.digest.size_bytes);
                              }) &&
          std::ranges::all_of(manifest.index_backups, index_is_there) &&
          wal::holds(ranges, summary.timeline, summary.start_lsn, summary.stop_lsn);
      if (!restorable) view_.unrestorable.insert(label);
    }
  }

  // What an expired backup's index should be long nobody knows any more; both objects have the same number of leaves.
  [[nodiscard]] bool are_alike(std::optional<std::uint64_t> index_bytes,
                               std::optional<std::uint64_t> hashes_bytes) const {
    if (!index_bytes || !hashes_bytes) return false;
    const bool encrypted = storage_.keys() != nullptr;
    const auto leaves = store::leaves_in(*index_bytes, store::index_entry_bytes, encrypted);
    return leaves && leaves == store::leaves_in(*hashes_bytes, store::hash_bytes, encrypted);
  }

  store::Storage& storage_;
  const ExpireRequest& request_;
  View view_;
};

std::vector<Candidate> candidates_of(const View& view) {
  const auto held = held_labels(view);
  std::vector<Candidate> candidates;
  for (const auto& [label, manifest] : view.manifests) {
    const auto holder = held.find(label);
    candidates.push_back({label, manifest.chain.empty() ? label : manifest.chain.front(), stop_of(manifest),
                          manifest.summary.timeline, manifest.summary.stop_lsn, !view.unrestorable.contains(label),
                          holder == held.end() ? "" : holder->second});
  }
  return candidates;
}

void remove_one(store::Storage& storage, const std::string& name) {
  try {
    storage.remove(name);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;  // another host expires too, or a put ended
  }
}

bool is_manifest(const ExpiredObject& object) {
  return object.name.ends_with("/manifest.json");
}

// Of backups that expired, and of those that failed or were killed before they put anything.
void remove_empty_folders(store::Storage& storage, const View& view) {
  const auto held = held_labels(view);
  const auto prefix = store::backups_prefix(view.cluster);
  for (const auto& folder : view.folders) {
    const auto label = folder.substr(prefix.size(), folder.size() - prefix.size() - 1);
    if (store::parse_backup_label(label) && !held.contains(label)) storage.remove_empty_folders(folder);
  }
}

// A manifest whose last sync failed is visible, and a power loss would take it: nothing may have gone for its sake.
void make_durable_what_stays(store::Storage& storage, const View& view, const Selection& selection) {
  if (selection.expired.empty()) return;
  for (const auto& [label, reasons] : selection.kept) storage.make_durable(store::backup_prefix(view.cluster, label));
}

// Manifests, durably; then a second look, because another host may have begun a backup since the first; then the rest.
std::vector<ExpiredObject> remove_all(store::Storage& storage, const ExpireRequest& request, const View& view,
                                      const Selection& selection, const Sorting& sorting) {
  make_durable_what_stays(storage, view, selection);
  if (!selection.expired.empty() && request.before_removal) request.before_removal();
  std::vector<ExpiredObject> removed;
  for (const auto& object : sorting.going) {
    if (!is_manifest(object)) continue;
    remove_one(storage, object.name);
    removed.push_back(object);
  }
  storage.sync();
  const auto now = Looking(storage, view.cluster, request).look();
  for (auto& object : sort_objects(now, {}, selection.window_base).going) {
    remove_one(storage, object.name);
    removed.push_back(std::move(object));
  }
  storage.sync();
  remove_empty_folders(storage, now);
  return removed;
}

}  // namespace

ExpireResult expire_cluster(store::Storage& storage, const std::string& cluster, const ExpireRequest& request) {
  const auto view = Looking(storage, cluster, request).look();
  const auto selection = select(candidates_of(view), request.rules, request.now);
  auto sorting = sort_objects(view, selection.expired, selection.window_base);
  ExpireResult result;
  result.cluster = cluster;
  result.kept.reserve(selection.kept.size());
  for (const auto& [label, reasons] : selection.kept) {
    result.kept.push_back({label, reasons, is_point_in_time(view, label, selection.window_base)});
  }
  result.expired = selection.expired;
  for (const auto& intent : view.intents) result.held.push_back(store::to_string(intent));
  result.removed = request.dry_run ? std::move(sorting.going) : remove_all(storage, request, view, selection, sorting);
  result.retained = std::move(sorting.staying);
  return result;
}

}  // namespace retention

std::vector<ExpireResult> expire_backups(const ExpireRequest& request) {
  const auto storage = store::open_repository(request.repository);
  std::vector<ExpireResult> results;
  const auto clusters = request.cluster ? std::vector{*request.cluster} : store::list_clusters(*storage);
  for (const auto& cluster : clusters) results.push_back(retention::expire_cluster(*storage, cluster, request));
  return results;
}

void revoke_backup(const RepositoryLocation& repository, const std::string& cluster, const std::string& label) {
  store::revoke_intent(*store::open_repository(repository), cluster, label);
}

}  // namespace backup_engine
