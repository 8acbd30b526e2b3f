#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/repository.hpp"
#include "backup_engine/store/backup_order.hpp"
#include "backup_engine/store/intent.hpp"
#include "backup_engine/store/names.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/store/wal_objects.hpp"

namespace backup_engine {

namespace {

bool is_damage(const base::Error& error) {
  return error.kind() == base::ErrorKind::corrupt || error.kind() == base::ErrorKind::unsupported;
}

// One that cannot be read must not hide the others, here and below.
void read_running(store::Storage& storage, ClusterSummary& summary) {
  for (const auto& object : storage.list(store::intents_prefix(summary.name))) {
    const auto label = store::parse_intent_name(summary.name, object.name);
    if (!label) continue;
    try {
      auto intent = store::find_intent(storage, summary.name, *label);
      if (!intent) continue;
      summary.running.push_back({intent->label, intent->chain, intent->user, intent->host, intent->pid, intent->since,
                                 intent->timeline, intent->start_lsn});
    } catch (const base::Error& error) {
      if (!is_damage(error)) throw;
      summary.unreadable.emplace_back(error.what());
    }
  }
}

ClusterSummary summarize(store::Storage& storage, const std::string& cluster) {
  const auto identity = store::read_cluster(storage, cluster);
  ClusterSummary summary;
  summary.name = cluster;
  summary.system_identifier = identity.system_identifier;
  summary.postgres_major = identity.postgres_major;
  auto read = store::read_summaries(storage, cluster);
  summary.backups = std::move(read.backups);
  for (const auto& unreadable : read.unreadable) summary.unreadable.emplace_back(unreadable.error.what());
  read_running(storage, summary);
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
