// `lifeboat wal push` as a program of its own: lifeboat-wal-push, for archive_command. Why: wal_fetch.hpp. Command line
// and exit codes are those of the verb.
#pragma once

#include <CLI/App.hpp>

#include "backup_engine/wal.hpp"
#include "harness/cli/exit_code.hpp"

namespace harness::cli {

// What a parse leaves in `request`; it outlives that. An unknown --compress is Error(usage) out of the parse.
void add_wal_push_options(CLI::App& verb, backup_engine::WalPushRequest& request);

// Says on stderr what went wrong, and in the repository's operations log, once an hour, if it can.
[[nodiscard]] ExitCode push_for_postgresql(const backup_engine::WalPushRequest& request) noexcept;

}  // namespace harness::cli
