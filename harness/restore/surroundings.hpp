// What a restored server that has namespaces of its own must be shown, so that it recovers: what its restore_command
// runs, where its WAL comes from, and its access rules. Nothing else of the outside (docs/servers.md, "Isolation").
#pragma once

#include <filesystem>
#include <optional>

#include "harness/restore/restore.hpp"
#include "harness/restore/served_wal.hpp"
#include "harness/server/isolation.hpp"

namespace harness::restore {

// nullopt where this machine gives nobody namespaces: then settings alone keep the server to itself. access_rules may
// be empty. An order without a WAL socket shows the server repository and key file instead.
[[nodiscard]] std::optional<server::Isolation> isolation_of(const RestoreOrder& order,
                                                            const std::filesystem::path& access_rules);

// What the servers that this run restores live in.
[[nodiscard]] Surroundings surroundings();

}  // namespace harness::restore
