// What stands in the way of backing up a running server, and what will sooner or later, asked of the server alone: the
// substance of `lifeboat doctor --dbname`.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/wal_check.hpp"

namespace backup_engine {

// Its slots and its archiver (check_server_wal), wal_level, data checksums, version, and whether the role may replicate
// and can. Problems first, a remedy with each. Throws Error: connection, permission.
[[nodiscard]] std::vector<WalFinding> check_server(const std::string& conninfo);

}  // namespace backup_engine
