// The command line of `lifeboat expire` (docs/retention.md). Parsing touches nothing.
#pragma once

#include <optional>
#include <string>

#include "harness/cli/command_line.hpp"

namespace CLI {
class App;
}

namespace harness::cli {

// What was written on the command line; outlives the parse.
struct ExpireOptions {
  ExpireVerb verb;
  std::string pitr_window, cluster;
};

// Adds the verb below `app`; its callback leaves what was asked for in `asked`.
void add_expire(CLI::App& app, ExpireOptions& options, std::optional<Verb>& asked);

}  // namespace harness::cli
