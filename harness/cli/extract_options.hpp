// The command line of `lifeboat extract` (docs/extract.md). Parsing touches nothing.
#pragma once

#include <string>

#include "harness/cli/command_line.hpp"
#include "harness/cli/recovery_options.hpp"

namespace CLI {
class App;
}

namespace harness::cli {

// What was written on the command line; outlives the parse.
struct ExtractOptions {
  ExtractVerb verb;
  RecoveryOptions recovery;
  std::string bin_directory;
  bool replace = false;
};

// All but --repo and --progress.
void add_extract_options(CLI::App& verb, ExtractOptions& options);

// Throws base::Error(usage): neither or both of --beside and --replace, nothing to take, tables and a schema, --where
// without exactly one table, a --schema that is no name, a password in --into, a target as recovery_target refuses it.
[[nodiscard]] ExtractVerb extract_verb(const ExtractOptions& options);

}  // namespace harness::cli
