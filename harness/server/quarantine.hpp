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

}  // namespace harness::server
