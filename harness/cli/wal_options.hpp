// The command lines of `lifeboat wal` (docs/wal.md). Parsing touches nothing.
#pragma once

#include <optional>
#include <string>

#include "harness/cli/command_line.hpp"

namespace CLI {
class App;
}

namespace harness::cli {

// What was written on the command line; outlives the parse.
struct WalOptions {
  WalReceiveVerb receive;
  WalPushVerb push;
  WalFetchVerb fetch;
  WalCheckVerb check;
  std::string max_rate, receive_compression = "lz4";
  bool create_slot = false, drop_slot = false, json = false;
};

// Adds the verbs below `app`. Each one's callback leaves what was asked for in `asked`, or throws base::Error(usage).
void add_wal_verbs(CLI::App& app, WalOptions& options, std::optional<Verb>& asked);

}  // namespace harness::cli
