// Checks one published backup: manifest, file table, index (also what it uses of its chain's), and every block of every
// pack.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/verify/findings.hpp"
#include "backup_engine/verify/verified_packs.hpp"

namespace backup_engine::verify {

struct BackupCheck {
  std::string label;
  std::optional<store::Manifest> manifest;  // when it could be read
  std::set<std::string> objects;            // that belong to it
  std::string damage;                       // "OBJECT: what is wrong", the first; empty when all that it needs is sound
};

// What several backups of a cluster share, and need not be read twice.
struct SharedChecks {
  bool unpack = true;  // VerifyRequest::unpack
  VerifiedPacks packs;
  std::map<std::string, bool> tables;  // whether it is sound, by name of the object
};

// `identity`: the cluster's, when its document could be read.
[[nodiscard]] BackupCheck check_backup(store::Storage& storage, const std::string& cluster, const std::string& label,
                                       const std::optional<store::ClusterIdentity>& identity, unsigned jobs,
                                       SharedChecks& shared, Findings& findings);

}  // namespace backup_engine::verify
