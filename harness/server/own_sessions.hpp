// Lifeboat's own sessions on the servers it starts: no limit that the cluster's people gave a database or a role ends
// them or makes them read-only, none waits for ever for a lock, and all end when the drill is told to stop.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "backup_engine/postgres/connection.hpp"

namespace harness::server {

struct OwnSessions {
  // Nobody else works with a restored server: a lock that is not free by then is held by what cannot end by itself.
  std::chrono::milliseconds lock_patience = std::chrono::seconds(30);
  std::stop_token stop{};
};

// libpq's "options" for such a session. Sent with the connection they outrank what ALTER DATABASE and ALTER ROLE say:
// a limit of a millisecond would already end the statement that lifts it, and a standby refuses every query of a
// serializable session.
[[nodiscard]] std::string session_options(backup_engine::postgres::Version version, const OwnSessions& sessions);

// Throws as Connection does.
[[nodiscard]] backup_engine::postgres::Connection connect_regardless(const std::string& conninfo,
                                                                     backup_engine::postgres::Version version,
                                                                     const OwnSessions& sessions);

}  // namespace harness::server
