// The options of `lifeboat safety-copy show`, `roll-back` and `drop`, and how `restore --in-place` is confirmed.
#pragma once

#include <optional>
#include <string>

#include "harness/cli/command_line.hpp"

namespace CLI {
class App;
}

namespace harness::cli {

struct SafetyCopyOptions {
  SafetyCopyVerb show{SafetyCopyAction::show, {}}, roll_back{SafetyCopyAction::roll_back, {}},
      drop{SafetyCopyAction::drop, {}};
};
void add_safety_copy_verbs(CLI::App& app, SafetyCopyOptions& options, std::string& reason, std::optional<Verb>& asked);

// How a restore treats what is there.
struct ExistingFilesOptions {
  bool delta = false, in_place = false;
  std::optional<std::uint64_t> system_identifier;
};
void add_existing_files_options(CLI::App& verb, ExistingFilesOptions& options);
// Throws base::Error(usage): a confirmation of what is not asked for.
void apply(const ExistingFilesOptions& options, backup_engine::RestoreRequest& request);

}  // namespace harness::cli
