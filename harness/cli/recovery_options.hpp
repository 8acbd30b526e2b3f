// The options that say where recovery is to stop, the same for every verb that recovers something. Defined in
// docs/recovery-targets.md. Parsing touches nothing: whether the target can be reached is found out by the engine.
#pragma once

#include <optional>
#include <string>

#include "backup_engine/restore.hpp"

namespace CLI {
class App;
}

namespace harness::cli {

// What was written on the command line; outlives the parse.
struct RecoveryOptions {
  std::string backup_label;  // --backup; empty: the newest that can reach the target
  std::optional<std::string> time, lsn, xid, name;
  bool immediate = false, exclusive = false;
  std::string timeline;            // --target-timeline; empty: latest, current for --target-immediate
  std::string action = "promote";  // --target-action, where the verb has it
};

// --target-time, -lsn, -xid, -name, -immediate, -exclusive, -timeline and --backup.
void add_recovery_options(CLI::App& verb, RecoveryOptions& options);
// --target-action, for a verb whose server is not its own.
void add_target_action(CLI::App& verb, RecoveryOptions& options);

// Throws base::Error(usage): two targets (both are named), --target-exclusive where it means nothing, a value that is
// no time, LSN or transaction id.
[[nodiscard]] backup_engine::RecoveryTarget recovery_target(const RecoveryOptions& options);

}  // namespace harness::cli
