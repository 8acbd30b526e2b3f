#include "harness/cli/extract_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "backup_engine/base/error.hpp"
#include "harness/extract/schema_name.hpp"

namespace harness::cli {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

// An unset variable of somebody's script must not widen "these rows" to the whole table.
std::string refuse_blank(const std::string& condition) {
  const bool blank = condition.find_first_not_of(" \t\r\n") == std::string::npos;
  return blank ? "the condition is empty; leave --where out to take all rows" : "";
}

}  // namespace

void add_extract_options(CLI::App& verb, ExtractOptions& options) {
  auto& order = options.verb.order;
  verb.add_option("--cluster", options.verb.cluster, "the cluster's name in the repository")->required();
  add_recovery_options(verb, options.recovery);
  verb.add_option(
          "--table", order.selection.tables,
          "SCHEMA.TABLE to take, with its partitions; once for each. Names as in SQL: lower case unless \"Quoted\"")
      ->allow_extra_args(false);
  verb.add_option("--where", order.selection.where, "an SQL condition: only these rows of the one table")
      ->check(refuse_blank);
  verb.add_option("--schema", order.selection.schema, "take this schema, named as in SQL, with all that is in it");
  verb.add_option("--into", order.live_conninfo, "connection string of the database to put them into")->required();
  auto* beside = verb.add_option("--beside", order.suffix, "put them beside what is there, as NAME_SUFFIX");
  verb.add_flag("--replace", options.replace, "put them in place of what is there, in one transaction")
      ->excludes(beside);
  verb.add_option("--pg-bindir", options.bin_directory, "use the PostgreSQL programs of this directory");
  verb.add_option("--work-dir", options.verb.work_directory, "where the scratch server lies")->capture_default_str();
  verb.add_option("--run-as", options.verb.run_as, "user that the scratch server runs as, when root");
  verb.add_option("--jobs", options.verb.jobs, "writing threads of the restore")
      ->check(CLI::Range(1U, 256U))
      ->capture_default_str();
}

ExtractVerb extract_verb(const ExtractOptions& options) {
  auto verb = options.verb;
  if (!options.replace && verb.order.suffix.empty()) {
    throw Error(ErrorKind::usage, "nothing says where what is taken is to go")
        .with_remedy("--beside SUFFIX leaves all that is there as it is, --replace takes its place");
  }
  if (!verb.order.selection.schema.empty()) {
    verb.order.selection.schema = extract::parse_schema_name(verb.order.selection.schema);
  }
  verb.order.placement = options.replace ? extract::Placement::replace : extract::Placement::beside;
  extract::require_sound(verb.order);
  verb.backup_label = options.recovery.backup_label;
  verb.target = recovery_target(options.recovery);
  if (!options.bin_directory.empty()) verb.bin_directory = options.bin_directory;
  return verb;
}

}  // namespace harness::cli
