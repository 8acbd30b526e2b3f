#include "harness/cli/repository_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace harness::cli {

void add_repository(CLI::App& verb, backup_engine::RepositoryLocation& location) {
  verb.add_option("--repo", location.text, "the repository: a directory (that of lifeboat.yaml)");
  verb.add_option("--key-file", location.key_file, "of an encrypted repository: the file that holds its key")
      ->envname("LIFEBOAT_KEY_FILE");
}

}  // namespace harness::cli
