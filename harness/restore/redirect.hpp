// Where a restored cluster goes, changed after the restore: to another place in the WAL, and off the timeline that it
// recovered along.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>

#include "backup_engine/base/deadline.hpp"
#include "harness/server/server.hpp"

namespace harness::restore {

// Of a cluster that was restored to a place by LSN, is down, and came no further than there. Throws base::Error(io).
void aim_at(const std::filesystem::path& data_directory, const std::string& lsn, bool inclusive);

// Of a server in recovery that answers; waits a minute at most. Returns the timeline on which it goes on. Throws
// base::Error(timed_out).
std::uint32_t promote(const server::Server& server);

// Starts a server that takes writes and was shut down cleanly once more, as a standby that follows nobody and fetches
// no WAL, and promotes it: the timeline that it had ends there. Throws base::Error.
[[nodiscard]] server::Server branch_off_again(server::ServerOptions options,
                                              const backup_engine::base::Deadline& deadline,
                                              const std::stop_token& stop);

}  // namespace harness::restore
