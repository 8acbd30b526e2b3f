#include "backup_engine/backup/parent.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/backup_order.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::backup {

using base::Error;
using base::ErrorKind;

std::shared_ptr<const store::BackupReader> open_parent(store::Storage& storage, const std::string& cluster,
                                                       BackupType type) {
  const auto held = store::read_summaries(storage, cluster);
  const auto fits = [&](const auto& backup) {
    return type == BackupType::incremental || store::parse_backup_label(backup.label) == BackupType::full;
  };
  const auto parent = std::find_if(held.backups.rbegin(), held.backups.rend(), fits);
  const auto unreadable = std::find_if(held.unreadable.rbegin(), held.unreadable.rend(), fits);
  const auto label = parent == held.backups.rend() ? std::string() : parent->label;
  const std::string remedy = "take a full backup: the same command with --type full";
  const auto refused = [&](const std::string& what, const Error& error) {
    return Error(error.kind(), fmt::format("the {} backup would build on {}: {}", to_string(type), what, error.what()))
        .with_remedy(remedy);
  };
  // Nobody knows where it stopped; its label says that it is newer.
  if (unreadable != held.unreadable.rend() && unreadable->label > label) {
    throw refused(unreadable->label, unreadable->error);
  }
  if (label.empty()) {
    throw Error(ErrorKind::not_found,
                fmt::format("cluster {} has no {} that the {} backup could build on", cluster,
                            type == BackupType::incremental ? "backup" : "full backup", to_string(type)))
        .with_remedy(remedy);
  }
  try {
    return std::make_shared<const store::BackupReader>(storage, cluster, label);
  } catch (const Error& error) {
    throw refused(label, error);
  }
}

std::vector<std::string> chain_of(const store::BackupReader* parent) {
  if (parent == nullptr) return {};
  auto chain = parent->manifest().chain;
  chain.push_back(parent->manifest().summary.label);
  return chain;
}

}  // namespace backup_engine::backup
