#include "harness/cli/safety_copy_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "backup_engine/base/error.hpp"

namespace harness::cli {

using backup_engine::ExistingFiles;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

void add_safety_copy_verbs(CLI::App& app, SafetyCopyOptions& options, std::string& reason, std::optional<Verb>& asked) {
  auto* verbs =
      app.add_subcommand("safety-copy", "The cluster that a restore in place set aside")->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, SafetyCopyVerb& verb) {
    auto* added = verbs->add_subcommand(name, help);
    added->add_option("--to", verb.to, "the data directory that was restored in place")->required();
    if (verb.action != SafetyCopyAction::show) added->add_option("--reason", reason, "why, for the operations log");
    added->callback([&verb, &asked] { asked = verb; });
  };
  add("show", "Say what is kept, since when, and how much it takes", options.show);
  add("roll-back", "Put the old cluster back as it was, and remove what was restored in its place", options.roll_back);
  add("drop", "Remove what is kept; the restored cluster stays", options.drop);
}

void add_existing_files_options(CLI::App& verb, ExistingFilesOptions& options) {
  auto* delta = verb.add_flag("--delta", options.delta, "--to is the cluster's own directory: write what differs");
  verb.add_flag("--in-place", options.in_place,
                "--to holds the cluster: set it aside as a safety copy first, then write everything anew")
      ->excludes(delta);
  verb.add_option("--confirm-system-identifier", options.system_identifier,
                  "with --in-place: the system identifier of the cluster that is to be replaced");
}

void apply(const ExistingFilesOptions& options, backup_engine::RestoreRequest& request) {
  if (options.system_identifier && !options.in_place) {
    throw Error(ErrorKind::usage, "--confirm-system-identifier without --in-place")
        .with_remedy("it confirms which cluster a restore in place replaces; leave it out, or add --in-place");
  }
  if (options.delta) request.existing = ExistingFiles::compare;
  if (options.in_place) request.existing = ExistingFiles::set_aside;
  request.confirmed_system_identifier = options.system_identifier;
}

}  // namespace harness::cli
