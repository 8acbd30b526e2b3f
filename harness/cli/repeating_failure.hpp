// What the programs that PostgreSQL starts again and again leave in the operations log when they fail: once an hour.
#pragma once

#include <string>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/repository.hpp"

namespace harness::cli {

struct RepeatingFailure {
  std::string cluster, verb;  // "wal push"
  backup_engine::base::UtcTime started_at;
  int exit_code = 0;
  std::string outcome;
};

// Where that can be: the repository may be what failed, or one that may only be read. Silent then.
void record_if_possible(const backup_engine::RepositoryLocation& repository, const RepeatingFailure& failure) noexcept;

}  // namespace harness::cli
