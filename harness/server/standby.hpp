// A standby of a disposable server, copied by PostgreSQL's own pg_basebackup and streaming from it, and its promotion:
// what a failover is made of (docs/disasters.md). The engine has no part in it.
#pragma once

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>

#include "backup_engine/base/deadline.hpp"
#include "harness/server/server.hpp"

namespace harness::server {

struct StandbyOptions {
  std::filesystem::path data_directory;         // absent; made, and the server's user's
  std::filesystem::path log_file;               // of the server and of pg_basebackup, appended
  std::map<std::string, std::string> settings;  // as ServerOptions::settings
  std::string name = "lifeboat_standby";        // to the primary: its application_name, and its slot there
};

// Returns once it answers queries; how far it has come by then nobody knows. Installation, user and superuser are the
// primary's. Throws base::Error (process, with pg_basebackup's words or the log's tail; timed_out; interrupted).
[[nodiscard]] Server start_standby(const Server& primary, const StandbyOptions& options,
                                   const backup_engine::base::Deadline& deadline, const std::stop_token& stop = {});

// Lets commits on the primary wait for those standbys (synchronous_standby_names) and returns once `name` is one of
// them. Throws base::Error(timed_out | interrupted).
void wait_for_standbys(const Server& primary, const std::string& standby_names, const std::string& name,
                       const backup_engine::base::Deadline& deadline, const std::stop_token& stop = {});

// Until that standby has synced all that the primary has by now. Throws base::Error(timed_out | interrupted).
void wait_until_confirmed(const Server& primary, const std::string& name, const backup_engine::base::Deadline& deadline,
                          const std::stop_token& stop = {});

// Returns once it takes writes, on a timeline of its own of which its control file tells; it knows nothing of its
// primary any more. Throws base::Error.
void promote(Server& standby, const backup_engine::base::Deadline& deadline);

}  // namespace harness::server
