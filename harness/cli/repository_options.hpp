// Which repository, and the file that holds its key: the same options for every verb that opens one.
#pragma once

#include "backup_engine/repository.hpp"

namespace CLI {
class App;
}

namespace harness::cli {

// --repo, and --key-file or the environment's LIFEBOAT_KEY_FILE. `location` outlives the parse. That --repo is there is
// not required here: lifeboat.yaml may say it.
void add_repository(CLI::App& verb, backup_engine::RepositoryLocation& location);

}  // namespace harness::cli
