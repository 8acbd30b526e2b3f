// Checks one published backup: manifest, file table, index (also what it uses of its chain's), and every block of every
// pack.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/verify/findings.hpp"
#include "backup_engine/verify/shared_checks.hpp"

namespace backup_engine::verify {

struct BackupCheck {
  std::string label;
  std::optional<store::Manifest> manifest;  // when it could be read; without its packs, of which there may be many
  std::vector<const std::string*> objects;  // that belong to it, among the names of the SharedChecks
  std::string damage;                       // "OBJECT: what is wrong", the first; empty when all that it needs is sound
};

// `identity`: the cluster's, when its document could be read.
[[nodiscard]] BackupCheck check_backup(store::Storage& storage, const std::string& cluster, const std::string& label,
                                       const std::optional<store::ClusterIdentity>& identity, unsigned jobs,
                                       SharedChecks& shared, Findings& findings);

}  // namespace backup_engine::verify
