#include "harness/cli/expire_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "backup_engine/base/error.hpp"
#include "harness/cli/repository_options.hpp"

namespace harness::cli {

void add_expire(CLI::App& app, ExpireOptions& options, std::optional<Verb>& asked) {
  auto& request = options.verb.request;
  auto& rules = request.rules;
  auto* verb = app.add_subcommand("expire", "Remove the backups and WAL that no rule keeps");
  add_repository(*verb, request.repository);
  verb->add_option("--cluster", options.cluster, "only this cluster (every one)");
  verb->add_option("--keep-full", rules.keep_full, "keep the newest N chains whole")->type_name("N");
  verb->add_option("--keep-hourly", rules.keep_hourly, "the newest backup of each of N hours that have one")
      ->type_name("N");
  verb->add_option("--keep-daily", rules.keep_daily, "of each of N days")->type_name("N");
  verb->add_option("--keep-weekly", rules.keep_weekly, "of each of N weeks")->type_name("N");
  verb->add_option("--keep-monthly", rules.keep_monthly, "of each of N months")->type_name("N");
  verb->add_option("--keep-yearly", rules.keep_yearly, "of each of N years")->type_name("N");
  verb->add_option("--pitr-window", options.pitr_window,
                   "keep every point in time of the last 30d, say (since the oldest backup kept)");
  auto* dry_run = verb->add_flag("--dry-run", request.dry_run, "say what would go and why the rest stays");
  verb->add_option("--revoke", options.verb.revoke,
                   "first: take its word from LABEL, a backup that died and holds things")
      ->type_name("LABEL")
      ->excludes(dry_run);
  verb->callback([&options, &request, &asked] {
    using backup_engine::base::Error;
    using backup_engine::base::ErrorKind;
    if (!options.cluster.empty()) request.cluster = options.cluster;
    if (!options.pitr_window.empty()) request.rules.pitr_window = backup_engine::parse_duration(options.pitr_window);
    if (!options.verb.revoke.empty() && !request.cluster) {
      throw Error(ErrorKind::usage, "--revoke was given without --cluster").with_remedy("name the backup's cluster");
    }
    asked = options.verb;
  });
}

}  // namespace harness::cli
