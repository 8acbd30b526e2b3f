#include "harness/cli/backup_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "backup_engine/base/rate_limit.hpp"
#include "backup_engine/postgres/conninfo.hpp"

namespace harness::cli {

namespace {

void add_drill_options(CLI::App& verb, BackupOptions& options) {
  auto& drill = options.drill;
  options.drill_asked =
      verb.add_option("--drill", drill.scenarios,
                      "then restore it into a disposable server and judge it, by a scenario (the one that ships)")
          ->expected(0, 1)
          ->type_name("SCENARIO");
  const auto of_drill = [&](CLI::Option* option) { option->needs(options.drill_asked); };
  of_drill(verb.add_option("--out", drill.out, "where the drill's directory goes (drills)"));
  of_drill(verb.add_option("--work-dir", drill.work_directory, "where the drill's servers lie (its directory)"));
  of_drill(verb.add_option("--run-as", drill.run_as, "user that they run as, when root (lifeboat, else nobody)"));
  of_drill(verb.add_option("--pg-bindir", drill.bin_directory, "use the PostgreSQL programs of this directory"));
}

}  // namespace

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
  add_drill_options(verb, options);
  verb.add_option("--max-rate", options.max_rate, "bytes a second to take at most, as 10MB (as fast as they come)");
}

BackupVerb backup_verb(const BackupOptions& options) {
  auto verb = options.verb;
  backup_engine::postgres::refuse_password(verb.request.conninfo);
  verb.request.type = backup_engine::parse_backup_type(options.type);
  verb.request.compression = backup_engine::parse_compression(options.compression);
  if (!options.max_rate.empty()) verb.request.max_bytes_per_second = backup_engine::base::parse_rate(options.max_rate);
  if (options.drill_asked != nullptr && options.drill_asked->count() > 0) {
    verb.drill = options.drill;
    std::erase(verb.drill->scenarios, std::filesystem::path());  // what CLI11 makes of --drill without a value
    verb.drill->progress = verb.progress;
  }
  return verb;
}

}  // namespace harness::cli
