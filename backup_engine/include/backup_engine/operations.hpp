// Who did what to a cluster's backups, why, and how it ended: a hash-chained log in the repository that every verb
// appends to. Defined in docs/formats/operations.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine {

struct Operation {
  std::string cluster;  // empty: the repository as a whole
  std::string verb;     // "backup", "repo rekey"
  std::string reason;   // --reason; may be empty
  std::string user, host;
  std::uint32_t pid = 0;
  base::UtcTime started_at, finished_at;
  int exit_code = 0;
  std::string outcome;  // "done", or what went wrong
};

// One of this process that begins now: who, where and when are filled in.
[[nodiscard]] Operation begun_by_this_process(std::string cluster, std::string verb);

// Appends it, durably; to the repository's own log when it holds no such cluster. Throws what the repository throws.
void record_operation(const RepositoryLocation& repository, const Operation& operation);

// For what is tried again and again by itself, as an archive_command is: a failure that the newest entry tells of this
// host already, less than an hour before, is left out.
void record_repeating_failure(const RepositoryLocation& repository, const Operation& operation);

struct OperationsLog {
  std::vector<Operation> operations;  // oldest first
  std::vector<std::string> tampered;  // "OBJECT: what is wrong": changed, missing, not chained
};
// Of a cluster; empty: of the repository.
[[nodiscard]] OperationsLog read_operations(const RepositoryLocation& repository, const std::string& cluster);

struct SuccessRate {
  std::string verb;
  std::uint64_t recent = 0, recent_succeeded = 0;  // of the last 30 days
  std::uint64_t all = 0, all_succeeded = 0;
};
// In order of verb. What exits with 0 succeeded.
[[nodiscard]] std::vector<SuccessRate> success_rates(const std::vector<Operation>& operations, base::UtcTime now);

}  // namespace backup_engine
