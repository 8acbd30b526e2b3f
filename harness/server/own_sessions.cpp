#include "harness/server/own_sessions.hpp"

#include <fmt/format.h>

#include "backup_engine/postgres/conninfo.hpp"

namespace harness::server {

using backup_engine::postgres::Connection;

std::string session_options(backup_engine::postgres::Version version, const OwnSessions& sessions) {
  auto options = fmt::format(
      "-c statement_timeout=0 -c lock_timeout={} -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0 "
      "-c default_transaction_isolation=read\\ committed -c default_transaction_read_only=off -c role=none",
      sessions.lock_patience.count());
  if (version.major() >= 17) options += " -c transaction_timeout=0";
  return options;
}

Connection connect_regardless(const std::string& conninfo, backup_engine::postgres::Version version,
                              const OwnSessions& sessions) {
  Connection connection(backup_engine::postgres::with_more_options(conninfo, session_options(version, sessions)),
                        "lifeboat");
  connection.cancel_when(sessions.stop);
  return connection;
}

}  // namespace harness::server
