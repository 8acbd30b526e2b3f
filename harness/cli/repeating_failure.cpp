#include "harness/cli/repeating_failure.hpp"

#include <exception>

#include "backup_engine/operations.hpp"

namespace harness::cli {

void record_if_possible(const backup_engine::RepositoryLocation& repository, const RepeatingFailure& failure) noexcept {
  try {
    auto operation = backup_engine::begun_by_this_process(failure.cluster, failure.verb);
    operation.started_at = failure.started_at;
    operation.finished_at = backup_engine::base::utc_now();
    operation.exit_code = failure.exit_code;
    operation.outcome = failure.outcome;
    backup_engine::record_repeating_failure(repository, operation);
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace harness::cli
