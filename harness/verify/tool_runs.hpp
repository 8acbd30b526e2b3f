// PostgreSQL's own tools, run on the target: the witnesses of the physical checks. A bad exit is evidence, not an
// error.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "harness/process/subprocess.hpp"
#include "harness/verify/cluster.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

struct ToolOptions {
  std::filesystem::path bin_directory;
  std::optional<process::OsUser> run_as;                  // who may read the data directory
  std::chrono::seconds limit = std::chrono::minutes(10);  // of each run
  std::stop_token stop = {};
};

// pg_verifybackup -n: every file of backup_manifest by its checksum. The directory must never have been started.
[[nodiscard]] reports::record::ToolRun run_verifybackup(const ToolOptions& options,
                                                        const std::filesystem::path& directory);

// pg_controldata, of a directory that was never started: what the source's server ran with when it was backed up.
[[nodiscard]] reports::record::ToolRun run_controldata(const ToolOptions& options,
                                                       const std::filesystem::path& directory);

// pg_checksums --check, which wants a cluster that was shut down cleanly: of a restored directory that was never
// started it reads a private copy of pg_control whose state says so. The directory stays as it is.
[[nodiscard]] reports::record::ToolRun run_checksums(const ToolOptions& options,
                                                     const std::filesystem::path& directory);

// pg_amcheck --all (or the one database in scope) --heapallindexed over a running, promoted server. amcheck is an
// extension: where a database lacks it, it is created in schema lifeboat_amcheck and dropped again, so run this after
// the probes that compare content and catalogs. connection_arguments: --host, --port, --username.
[[nodiscard]] reports::record::ToolRun run_amcheck(const ToolOptions& options, const Cluster& cluster,
                                                   const std::vector<std::string>& connection_arguments);

}  // namespace harness::verify
