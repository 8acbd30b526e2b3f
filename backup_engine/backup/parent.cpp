#include "backup_engine/backup/parent.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::backup {

using base::Error;
using base::ErrorKind;

std::shared_ptr<const store::BackupReader> open_parent(store::Storage& storage, const std::string& cluster,
                                                       BackupType type) {
  const auto labels = store::list_backup_labels(storage, cluster);
  const auto parent = std::find_if(labels.rbegin(), labels.rend(), [&](const auto& label) {
    return type == BackupType::incremental || store::parse_backup_label(label) == BackupType::full;
  });
  const std::string remedy = "take a full backup: the same command with --type full";
  if (parent == labels.rend()) {
    throw Error(ErrorKind::not_found,
                fmt::format("cluster {} has no {} that the {} backup could build on", cluster,
                            type == BackupType::incremental ? "backup" : "full backup", to_string(type)))
        .with_remedy(remedy);
  }
  try {
    return std::make_shared<const store::BackupReader>(storage, cluster, *parent);
  } catch (const Error& error) {
    throw Error(error.kind(),
                fmt::format("the {} backup would build on {}: {}", to_string(type), *parent, error.what()))
        .with_remedy(remedy);
  }
}

std::vector<std::string> chain_of(const store::BackupReader* parent) {
  if (parent == nullptr) return {};
  auto chain = parent->manifest().chain;
  chain.push_back(parent->manifest().summary.label);
  return chain;
}

}  // namespace backup_engine::backup
