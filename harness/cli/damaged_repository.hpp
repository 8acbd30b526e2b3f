// What to do about a damaged object of a repository: the engine names the object, and the way on is the same for all.
#pragma once

#include "backup_engine/base/error.hpp"
#include "backup_engine/repository.hpp"

namespace harness::cli {

// `error`, which work on `repository` ended with; with that way on when it tells of damage and names no other.
[[nodiscard]] backup_engine::base::Error with_way_on(backup_engine::base::Error error,
                                                     const backup_engine::RepositoryLocation& repository);

}  // namespace harness::cli
