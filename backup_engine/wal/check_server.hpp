// What wal check asks a running server: whether its WAL leaves it, and what keeps WAL back on it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backup_engine/store/repository_store.hpp"
#include "backup_engine/wal/wal_ranges.hpp"
#include "backup_engine/wal_check.hpp"

namespace backup_engine::wal {

// `held` says what the repository holds of its WAL: asked once the server has said how far it is, so that what arrives
// meanwhile is not missed. Throws Error: connection, permission, mismatch (a server of another cluster).
[[nodiscard]] ServerWal ask_server(const std::string& conninfo, const std::string& cluster,
                                   const store::ClusterIdentity& identity,
                                   const std::function<std::vector<WalRange>()>& held);
// The same of any server; what is held of it is not known.
[[nodiscard]] ServerWal ask_server(const std::string& conninfo);
// What is wrong, or may become so. Pure.
[[nodiscard]] std::vector<WalFinding> judge_server(const ServerWal& server);

}  // namespace backup_engine::wal
