#include "backup_engine/store/backup_order.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

// Of every label that anything lies under or that somebody holds. A folder counts even when nothing lies in it yet.
std::set<base::UtcTime> seconds_in_use(Storage& storage, const std::string& cluster) {
  std::set<base::UtcTime> seconds;
  const auto prefix = backups_prefix(cluster);
  const auto take = [&](std::string_view label) {
    if (const auto second = label_second(label)) seconds.insert(*second);
  };
  const auto take_below = [&](std::string_view name) {
    if (!name.starts_with(prefix)) return;
    name.remove_prefix(prefix.size());
    take(name.substr(0, name.find('/')));
  };
  for (const auto& object : storage.list(prefix)) take_below(object.name);
  for (const auto& name : storage.list_debris(prefix)) take_below(name);
  for (const auto& folder : storage.list_folders(prefix)) take_below(folder);
  for (const auto& object : storage.list(intents_prefix(cluster))) {
    if (const auto label = parse_intent_name(cluster, object.name)) take(*label);
  }
  return seconds;
}

}  // namespace

bool is_older(const BackupSummary& one, const BackupSummary& other) {
  return std::tie(one.timeline, one.stop_lsn, one.label) < std::tie(other.timeline, other.stop_lsn, other.label);
}

std::string new_backup_label(Storage& storage, const std::string& cluster, BackupType type, base::UtcTime now) {
  using std::chrono::seconds;
  const auto used = seconds_in_use(storage, cluster);
  auto second = base::UtcTime(std::chrono::floor<seconds>(now.time_since_epoch()));
  // The latest that is not beyond the limit.
  const auto beyond = used.upper_bound(second + most_ahead);
  if (beyond != used.begin()) second = std::max(second, *std::prev(beyond) + seconds(1));
  while (used.contains(second)) second += seconds(1);
  return backup_label(second, type);
}

ReadSummaries read_summaries(Storage& storage, const std::string& cluster) {
  ReadSummaries read;
  for (const auto& label : list_backup_labels(storage, cluster)) {
    try {
      read.backups.push_back(read_manifest(storage, cluster, label).summary);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::not_found) continue;
      if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::unsupported) throw;
      read.unreadable.push_back({label, error});
    }
  }
  std::ranges::sort(read.backups, is_older);
  return read;
}

}  // namespace backup_engine::store
