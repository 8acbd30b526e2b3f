// The command lines of `lifeboat repo` (docs/encryption.md). Parsing touches nothing.
#pragma once

#include <optional>

#include "harness/cli/command_line.hpp"

namespace CLI {
class App;
}

namespace harness::cli {

// What was written on the command line; outlives the parse.
struct RepositoryOptions {
  RepoInitVerb init;
  RepoNewKeyVerb new_key;
  RepoRekeyVerb rekey;
};

// Adds the verbs below `app`; a verb's callback leaves what was asked for in `asked`.
void add_repo_verbs(CLI::App& app, RepositoryOptions& options, std::optional<Verb>& asked);

}  // namespace harness::cli
