// Whether a server is set up so that it can be backed up: settings and rights, looked at before the first backup fails
// for them.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/wal_check.hpp"

namespace backup_engine::wal {

struct Readiness {
  int major = 0;
  std::string role, wal_level;
  int max_wal_senders = 0;
  bool data_checksums = false;
  bool may_replicate = false;  // the role has REPLICATION, or is a superuser
  std::string refused;         // what a replication connection was refused with; empty when it was not
};

// Throws Error(connection) when the server is not there at all.
[[nodiscard]] Readiness ask_readiness(const std::string& conninfo);
// Pure.
[[nodiscard]] std::vector<WalFinding> judge_readiness(const Readiness& server);

}  // namespace backup_engine::wal
