#include "harness/cli/repository_verb_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "harness/cli/repository_options.hpp"

namespace harness::cli {

void add_repo_verbs(CLI::App& app, RepositoryOptions& options, std::optional<Verb>& asked) {
  auto* repo = app.add_subcommand("repo", "Repositories")->require_subcommand(1);

  auto* init =
      repo->add_subcommand("init", "Make an absent or empty directory a repository; encrypted, with --key-file");
  add_repository(*init, options.init.repository);
  init->get_option("--repo")->required();
  init->callback([&options, &asked] { asked = options.init; });

  auto* new_key = repo->add_subcommand("new-key", "Make a file with a new key");
  new_key->add_option("FILE", options.new_key.key_file, "that does not exist yet")->required();
  new_key->callback([&options, &asked] { asked = options.new_key; });

  auto* rekey = repo->add_subcommand("rekey", "Change the key file of an encrypted repository, or its data key");
  add_repository(*rekey, options.rekey.request.repository);
  rekey->get_option("--repo")->required();
  rekey->add_option("--new-key-file", options.rekey.request.new_key_file, "opens the repository from now on");
  rekey->add_flag("--new-data-key", options.rekey.request.new_data_key,
                  "encrypt what begins with the next full backup, and new WAL, with a new data key");
  rekey->callback([&options, &asked] { asked = options.rekey; });
}

}  // namespace harness::cli
