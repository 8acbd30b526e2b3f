// The command line of `lifeboat backup` (docs/formats/backup.md). Parsing touches nothing.
#pragma once

#include <optional>
#include <string>

#include "harness/cli/command_line.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace harness::cli {

// What was written on the command line; outlives the parse.
struct BackupOptions {
  BackupVerb verb;
  std::string type = "full", compression = "zstd:1", max_rate;
  RunVerb drill;
  CLI::Option* drill_asked = nullptr;
};

// Adds the verb's own options; --repo and --progress are its caller's. `jobs` of the request is the default.
void add_backup_options(CLI::App& verb, BackupOptions& options);
// What was asked for. Throws Error(usage), also for an option of the drill without --drill.
[[nodiscard]] BackupVerb backup_verb(const BackupOptions& options);

}  // namespace harness::cli
