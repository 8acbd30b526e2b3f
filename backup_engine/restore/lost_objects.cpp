#include "backup_engine/restore/lost_objects.hpp"

#include <algorithm>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::restore {

namespace {

std::vector<std::string> objects_of(const store::Manifest& manifest) {
  const auto &cluster = manifest.summary.cluster, &label = manifest.summary.label;
  std::vector<std::string> names{store::file_table_name(cluster, label), store::block_root_name(cluster, label)};
  for (const auto& owner : manifest.index_backups) {
    names.push_back(store::block_index_name(cluster, owner));
    names.push_back(store::block_hashes_name(cluster, owner));
  }
  for (const auto& pack : store::used_packs(manifest)) {
    names.push_back(store::pack_name(cluster, pack.backup_label, pack.number));
  }
  return names;
}

}  // namespace

bool has_lost_objects(store::Storage& storage, const std::string& cluster, const std::string& label) {
  try {
    const auto names = objects_of(store::read_manifest(storage, cluster, label));
    return std::any_of(names.begin(), names.end(), [&](const auto& name) { return !storage.size(name); });
  } catch (const base::Error&) {
    return false;
  }
}

}  // namespace backup_engine::restore
