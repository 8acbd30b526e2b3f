#include "harness/cli/backup_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "backup_engine/base/rate_limit.hpp"
#include "backup_engine/postgres/conninfo.hpp"

namespace harness::cli {

void add_backup_options(CLI::App& verb, BackupOptions& options) {
  auto& request = options.verb.request;
  verb.add_option("--cluster", request.cluster, "the cluster's name in the repository")->required();
  verb.add_option("--dbname", request.conninfo, "connection string of the running server (that of lifeboat.yaml)");
  verb.add_option("--pgdata", request.pgdata,
                  "its data directory, when it is on this machine: read in parallel. Without it the server streams its "
                  "files over the connection (BASE_BACKUP)");
  verb.add_option("--type", options.type,
                  "full; differential: what differs from the newest full; incremental: from the newest backup")
      ->capture_default_str()
      ->check(CLI::IsMember({"full", "differential", "incremental"}));
  verb.add_option("--jobs", request.jobs, "threads that read, hash and compress; a stream is read by one more")
      ->check(CLI::Range(1U, 256U))
      ->capture_default_str();
  verb.add_option("--compress", options.compression, "none, lz4 or zstd[:LEVEL]")->capture_default_str();
  verb.add_option("--max-rate", options.max_rate, "bytes a second to take at most, as 10MB (as fast as they come)");
}

BackupVerb backup_verb(const BackupOptions& options) {
  auto verb = options.verb;
  backup_engine::postgres::refuse_password(verb.request.conninfo);
  verb.request.type = backup_engine::parse_backup_type(options.type);
  verb.request.compression = backup_engine::parse_compression(options.compression);
  if (!options.max_rate.empty()) verb.request.max_bytes_per_second = backup_engine::base::parse_rate(options.max_rate);
  return verb;
}

}  // namespace harness::cli
