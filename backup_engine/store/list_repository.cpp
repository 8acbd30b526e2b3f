#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/repository.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/store/wal_objects.hpp"

namespace backup_engine {

namespace {

ClusterSummary summarize(store::Storage& storage, const std::string& cluster) {
  const auto identity = store::read_cluster(storage, cluster);
  ClusterSummary summary;
  summary.name = cluster;
  summary.system_identifier = identity.system_identifier;
  summary.postgres_major = identity.postgres_major;
  for (const auto& label : store::list_backup_labels(storage, cluster)) {
    try {
      summary.backups.push_back(store::read_manifest(storage, cluster, label).summary);
    } catch (const base::Error& error) {
      // One unreadable manifest must not hide the backups beside it.
      if (error.kind() != base::ErrorKind::corrupt && error.kind() != base::ErrorKind::unsupported) throw;
      summary.unreadable.push_back(error.what());
    }
  }
  summary.wal =
      store::continuous_ranges(store::list_wal(storage, cluster, identity.wal_segment_size), identity.wal_segment_size);
  return summary;
}

}  // namespace

void init_repository(const RepositoryLocation& location) {
  store::init_repository(location, base::posix_file_system());
}

std::vector<ClusterSummary> list_repository(const RepositoryLocation& location) {
  const auto storage = store::open_repository(location);
  std::vector<ClusterSummary> clusters;
  for (const auto& cluster : store::list_clusters(*storage)) clusters.push_back(summarize(*storage, cluster));
  return clusters;
}

}  // namespace backup_engine
