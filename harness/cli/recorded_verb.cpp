#include "harness/cli/recorded_verb.hpp"

#include <fmt/format.h>

#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/operations.hpp"
#include "backup_engine/safety_copy.hpp"
#include "harness/cli/damaged_repository.hpp"

namespace harness::cli {

namespace base = backup_engine::base;

namespace {

// What begins by itself again and again fails again and again: that is told once an hour.
enum class Failures { each, hourly };

struct Recorded {
  std::string verb;  // empty: not recorded
  backup_engine::RepositoryLocation repository;
  std::string cluster;
  Failures failures = Failures::each;
  bool successes = true;
};

struct WhatToRecord {
  Recorded operator()(const RepoInitVerb& verb) const { return {"repo init", verb.repository, ""}; }
  Recorded operator()(const RepoRekeyVerb& verb) const {
    auto repository = verb.request.repository;
    return {"repo rekey", repository, ""};
  }
  Recorded operator()(const BackupVerb& verb) const { return of("backup", verb.request); }
  Recorded operator()(const RestoreVerb& verb) const { return of("restore", verb.request); }
  // Asked before it is gone; the verb itself says what is wrong with it.
  Recorded operator()(const SafetyCopyVerb& verb) const {
    if (verb.action == SafetyCopyAction::show) return {};
    try {
      const auto copy = backup_engine::find_safety_copy(verb.to);
      const auto* const name = verb.action == SafetyCopyAction::drop ? "safety-copy drop" : "safety-copy roll-back";
      return {name, copy.repository, copy.cluster};
    } catch (const base::Error&) {
      return {};
    }
  }
  Recorded operator()(const WalReceiveVerb& verb) const {
    if (verb.request.slot_action == backup_engine::SlotAction::drop) return of("wal receive --drop-slot", verb.request);
    auto recorded = of("wal receive", verb.request);
    recorded.failures = Failures::hourly;
    return recorded;
  }
  Recorded operator()(const WalPushVerb& verb) const {
    auto recorded = of("wal push", verb.request);
    recorded.failures = Failures::hourly;
    recorded.successes = false;
    return recorded;
  }
  Recorded operator()(const ExtractVerb& verb) const { return {"extract", verb.repository, verb.cluster}; }
  Recorded operator()(const VerifyVerb& verb) const { return {"verify", verb.repository, verb.cluster.value_or("")}; }
  Recorded operator()(const ExpireVerb& verb) const {
    const auto* const name = !verb.revoke.empty()   ? "expire --revoke"
                             : verb.request.dry_run ? "expire --dry-run"
                                                    : "expire";
    return {name, verb.request.repository, verb.request.cluster.value_or("")};
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
  explicit Recording(const Command& command)
      : recorded_(std::visit(WhatToRecord{}, command.verb)), reason_(command.reason) {
    // After a rekey the repository opens with the new key file.
    if (const auto* const rekey = std::get_if<RepoRekeyVerb>(&command.verb))
      new_key_file_ = rekey->request.new_key_file;
  }

  // An entry of its own: of what runs for weeks, so that an end without one shows; of what removes backups, so that
  // they are not missed when it is killed.
  void record_start(const std::string& verb, const std::string& outcome) {
    auto operation = begun(verb);
    operation.finished_at = base::utc_now();
    operation.outcome = outcome;
    put(operation);
  }

  void end(ExitCode code, const std::string& outcome) {
    if (recorded_.verb.empty() || (!recorded_.successes && code == ExitCode::pass)) return;
    auto operation = begun(recorded_.verb);
    operation.finished_at = base::utc_now();
    operation.exit_code = static_cast<int>(code);
    operation.outcome = outcome;
    put(operation);
  }

 private:
  // Not before it is needed: to look up a user can take as long as to push a segment.
  [[nodiscard]] backup_engine::Operation begun(const std::string& verb) const {
    auto operation = backup_engine::begun_by_this_process(recorded_.cluster, verb);
    operation.reason = reason_;
    operation.started_at = started_at_;
    return operation;
  }

  void put(const backup_engine::Operation& operation) const {
    const bool succeeded = operation.exit_code == 0;
    auto repository = recorded_.repository;
    if (succeeded && !new_key_file_.empty()) repository.key_file = new_key_file_;
    try {
      if (!succeeded && recorded_.failures == Failures::hourly) {
        backup_engine::record_repeating_failure(repository, operation);
      } else {
        backup_engine::record_operation(repository, operation);
      }
    } catch (const base::Error& error) {
      // A verb that failed because of its repository has said so.
      if (succeeded || error.kind() == base::ErrorKind::permission) {
        fmt::print(stderr, "lifeboat: not in the operations log: {}\n", error.what());
      }
    }
  }

  const Recorded recorded_;
  const std::string reason_;
  const base::UtcTime started_at_ = base::utc_now();
  std::filesystem::path new_key_file_;
};

const backup_engine::RepositoryLocation* repository_of(const Verb& verb) {
  return std::visit(
      [](const auto& each) -> const backup_engine::RepositoryLocation* {
        if constexpr (requires { each.repository; }) {
          return &each.repository;
        } else if constexpr (requires { each.request.repository; }) {
          return &each.request.repository;
        } else {
          return nullptr;
        }
      },
      verb);
}

}  // namespace

ExitCode execute_recorded(Command command, const std::function<ExitCode(const Verb&)>& execute) {
  Recording recording(command);
  if (auto* const receive = std::get_if<WalReceiveVerb>(&command.verb)) {
    receive->request.on_streaming = [&recording] { recording.record_start("wal receive start", "streaming"); };
  }
  if (auto* const expire = std::get_if<ExpireVerb>(&command.verb)) {
    expire->request.before_removal = [&recording, told = false]() mutable {
      if (!std::exchange(told, true)) recording.record_start("expire start", "removing");
    };
  }
  try {
    const auto code = execute(command.verb);
    recording.end(code, code == ExitCode::pass ? "done" : "done, and found what it says");
    return code;
  } catch (const base::Error& error) {
    recording.end(exit_code_for(error.kind()), error.what());
    if (const auto* const repository = repository_of(command.verb)) throw with_way_on(error, *repository);
    throw;
  } catch (const std::exception& error) {
    recording.end(ExitCode::unknown, std::string("a defect of Lifeboat: ") + error.what());
    throw;
  }
}

}  // namespace harness::cli
