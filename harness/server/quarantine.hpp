// The settings under which a restored server can reach nothing and nobody. They are given as -c only: the restored
// files stay as they came back. docs/servers.md lists them with the reasons.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace harness::server {

struct QuarantineOverride {
  std::string name, value, reason;
  int since_major = 0;     // PostgreSQL refuses settings that it does not know
  int until_major = 1000;  // the last one that knows it
};

[[nodiscard]] const std::vector<QuarantineOverride>& quarantine_overrides();

// Those that `major` knows, for ServerOptions::settings.
[[nodiscard]] std::map<std::string, std::string> quarantine_settings(int major);

// Of a server's settings those for which a role or a database may have a value of its own (ALTER ROLE … SET), as
// libpq's `options`: that value outranks the server's command line, and what a session says of itself outranks both.
[[nodiscard]] std::string options_of_sessions(const std::map<std::string, std::string>& settings);

}  // namespace harness::server
