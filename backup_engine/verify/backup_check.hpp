// Checks one published backup: manifest, file table, index, and every block of every pack.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/verify/findings.hpp"

namespace backup_engine::verify {

struct BackupCheck {
  std::string label;
  std::optional<store::Manifest> manifest;  // when it could be read
  std::set<std::string> objects;            // that belong to it
  std::string damage;                       // "OBJECT: what is wrong", the first; empty when all is sound
};

// `identity`: the cluster's, when its document could be read.
[[nodiscard]] BackupCheck check_backup(store::Storage& storage, const std::string& cluster, const std::string& label,
                                       const std::optional<store::ClusterIdentity>& identity, unsigned jobs,
                                       Findings& findings);

}  // namespace backup_engine::verify
