// `lifeboat wal fetch`, and the same as a program of its own: lifeboat-wal-fetch. PostgreSQL starts one for each
// segment that it replays, and starting `lifeboat` itself, with all the libraries that its other verbs need, would cost
// more than the fetching. Command line and exit codes are the same, so both are made of this.
#pragma once

#include <CLI/App.hpp>

#include "backup_engine/wal.hpp"

namespace harness::cli {

// What a parse leaves in `request`; it outlives that. Without --socket it must say --cluster; that --repo is there is
// not required here.
void add_wal_fetch_options(CLI::App& verb, backup_engine::WalFetchRequest& request);

// Follows PostgreSQL's restore_command contract: 0 fetched, 1 not there, above 125 for everything else. Says on stderr
// what went wrong, and in the repository's operations log, if it can.
[[nodiscard]] int fetch_for_postgresql(const backup_engine::WalFetchRequest& request) noexcept;

}  // namespace harness::cli
