#include "harness/cli/recorded_verb.hpp"

#include <fmt/format.h>

#include "backup_engine/base/caller.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/operations.hpp"

namespace harness::cli {

namespace base = backup_engine::base;

namespace {

struct Recorded {
  std::string verb;  // empty: not recorded
  backup_engine::RepositoryLocation repository;
  std::string cluster;
  bool failures_only = false;
};

struct WhatToRecord {
  Recorded operator()(const RepoInitVerb& verb) const { return {"repo init", verb.repository, ""}; }
  Recorded operator()(const RepoRekeyVerb& verb) const {
    auto repository = verb.request.repository;
    return {"repo rekey", repository, ""};
  }
  Recorded operator()(const BackupVerb& verb) const { return of("backup", verb.request); }
  Recorded operator()(const RestoreVerb& verb) const { return of("restore", verb.request); }
  Recorded operator()(const WalReceiveVerb& verb) const { return of("wal receive", verb.request); }
  Recorded operator()(const WalPushVerb& verb) const {
    auto recorded = of("wal push", verb.request);
    recorded.failures_only = true;
    return recorded;
  }
  Recorded operator()(const ExtractVerb& verb) const { return {"extract", verb.repository, verb.cluster}; }
  Recorded operator()(const VerifyVerb& verb) const { return {"verify", verb.repository, verb.cluster.value_or("")}; }
  Recorded operator()(const ExpireVerb& verb) const {
    const bool dry = verb.request.dry_run;
    return {dry ? "expire --dry-run" : "expire", verb.request.repository, verb.request.cluster.value_or("")};
  }
  template <typename Verb>
  Recorded operator()(const Verb&) const {
    return {};
  }

  template <typename Request>
  static Recorded of(const char* verb, const Request& request) {
    return {verb, request.repository, request.cluster};
  }
};

class Recording {
 public:
  explicit Recording(const Command& command) : recorded_(std::visit(WhatToRecord{}, command.verb)) {
    const auto caller = base::this_caller();
    operation_.cluster = recorded_.cluster;
    operation_.verb = recorded_.verb;
    operation_.reason = command.reason;
    operation_.user = caller.user;
    operation_.host = caller.host;
    operation_.pid = caller.pid;
    operation_.started_at = base::utc_now();
    // After a rekey the repository opens with the new key file.
    if (const auto* const rekey = std::get_if<RepoRekeyVerb>(&command.verb))
      new_key_file_ = rekey->request.new_key_file;
  }

  void end(ExitCode code, const std::string& outcome) {
    if (recorded_.verb.empty() || (recorded_.failures_only && code == ExitCode::pass)) return;
    operation_.finished_at = base::utc_now();
    operation_.exit_code = static_cast<int>(code);
    operation_.outcome = outcome;
    auto repository = recorded_.repository;
    if (code == ExitCode::pass && !new_key_file_.empty()) repository.key_file = new_key_file_;
    try {
      backup_engine::record_operation(repository, operation_);
    } catch (const base::Error& error) {
      // A verb that failed because of its repository has said so.
      if (code == ExitCode::pass || error.kind() == base::ErrorKind::permission) {
        fmt::print(stderr, "lifeboat: not in the operations log: {}\n", error.what());
      }
    }
  }

 private:
  Recorded recorded_;
  backup_engine::Operation operation_;
  std::filesystem::path new_key_file_;
};

}  // namespace

ExitCode execute_recorded(const Command& command, const std::function<ExitCode()>& execute) {
  Recording recording(command);
  try {
    const auto code = execute();
    recording.end(code, code == ExitCode::pass ? "done" : "done, and found what it says");
    return code;
  } catch (const base::Error& error) {
    recording.end(exit_code_for(error.kind()), error.what());
    throw;
  }
}

}  // namespace harness::cli
