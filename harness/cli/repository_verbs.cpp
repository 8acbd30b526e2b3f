#include <fmt/format.h>

#include "harness/cli/verbs.hpp"

namespace harness::cli {

ExitCode execute(const RepoInitVerb& verb) {
  const auto& repository = verb.repository;
  backup_engine::init_repository(repository);
  fmt::print("{} is {} now; next: lifeboat wal receive, then lifeboat backup\n", repository.text,
             repository.key_file.empty() ? "a repository" : "an encrypted repository");
  if (!repository.key_file.empty()) {
    fmt::print("without {} nothing in it can ever be read: keep a copy of that file elsewhere\n",
               repository.key_file.string());
  }
  return ExitCode::pass;
}

ExitCode execute(const RepoNewKeyVerb& verb) {
  backup_engine::make_key_file(verb.key_file);
  fmt::print("{} holds a new key; next: lifeboat repo init --repo DIRECTORY --key-file {}\n", verb.key_file.string(),
             verb.key_file.string());
  return ExitCode::pass;
}

ExitCode execute(const RepoRekeyVerb& verb) {
  const auto result = backup_engine::rekey_repository(verb.request);
  const auto& key_file =
      verb.request.new_key_file.empty() ? verb.request.repository.key_file : verb.request.new_key_file;
  fmt::print("{} opens with {} now ({}, {} data keys)\n", verb.request.repository.text, key_file.string(),
             result.keys_object, result.data_keys);
  if (verb.request.new_data_key) {
    fmt::print(
        "the next full backup begins with the new data key; start each wal receive again, and its WAL does too\n");
  }
  return ExitCode::pass;
}

}  // namespace harness::cli
