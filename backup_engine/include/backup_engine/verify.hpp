// Reading everything a restore would read: every block of every pack, every index and manifest, every WAL segment.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/progress.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine {

struct VerifyRequest {
  RepositoryLocation repository;
  std::optional<std::string> cluster;
  std::optional<std::string> backup_label;
  unsigned jobs = 1;
};

struct RepositoryDamage {
  std::string object;  // path inside the repository
  std::string text;    // what is wrong with it
};

struct BackupVerdict {
  std::string cluster, label;
  bool restorable = false;  // every block sound and WAL continuous from start to stop
  std::string reason;       // empty when restorable
};

struct VerifyResult {
  std::uint64_t objects = 0, bytes = 0, blocks = 0, wal_segments = 0;
  std::vector<RepositoryDamage> damage;
  std::vector<BackupVerdict> backups;
  // Harmless: objects of backups that were never published and puts that were interrupted (or still go on).
  std::vector<std::string> debris;
  // Of the whole repository, to be kept elsewhere: 64 hexadecimal digits (docs/encryption.md, "Rollback").
  std::string state_digest;
};

// What is found is data; throws only when it could not be carried out (no repository, no permission, interrupted).
[[nodiscard]] VerifyResult verify_repository(const VerifyRequest& request, base::Progress& progress,
                                             const std::stop_token& stop = {});

}  // namespace backup_engine
