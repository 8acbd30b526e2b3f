#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "backup_engine/base/signal_watch.hpp"
#include "harness/cli/configuration.hpp"
#include "harness/cli/recorded_verb.hpp"
#include "harness/cli/verbs.hpp"

namespace base = backup_engine::base;
using namespace harness::cli;

namespace {

// restore_command's contract: no signal handling (PostgreSQL ends us with SIGTERM and must see that), and no exit
// code from 1 to 125 for anything but "not there".
int run_wal_fetch(const std::vector<std::string>& arguments) noexcept {
  try {
    auto command = parse_command(arguments);
    complete(command);
    if (const auto* const fetch = std::get_if<WalFetchVerb>(&command.verb)) return execute(*fetch);
    if (const auto* const help = std::get_if<ShowText>(&command.verb)) fmt::print("{}", help->text);
  } catch (const base::Error& error) {
    fmt::print(stderr, "{}\n", base::describe(error));
  } catch (const std::exception& error) {
    fmt::print(stderr, "lifeboat: {}\n", error.what());
  }
  return wal_fetch_failed;
}

// An archive_command that only shows its help: PostgreSQL takes 0 for an archived segment, and may remove it. By hand
// nothing stands beside --help.
bool is_push_of_something(const std::vector<std::string>& arguments) {
  const std::vector<std::string> verb{"wal", "push"};
  return arguments.size() > verb.size() + 1 &&
         std::search(arguments.begin(), arguments.end(), verb.begin(), verb.end()) != arguments.end();
}

struct Execute {
  const std::stop_token& stop;

  ExitCode operator()(const RunVerb& verb) const { return execute(verb, stop); }
  ExitCode operator()(const BackupVerb& verb) const { return execute(verb, stop); }
  ExitCode operator()(const VerifyVerb& verb) const { return execute(verb, stop); }
  ExitCode operator()(const RestoreVerb& verb) const { return execute(verb, stop); }
  ExitCode operator()(const ExtractVerb& verb) const { return execute(verb, stop); }
  ExitCode operator()(const WalReceiveVerb& verb) const { return execute(verb, stop); }
  ExitCode operator()(const ShowText& help) const {
    fmt::print("{}", help.text);
    return ExitCode::pass;
  }
  ExitCode operator()(const WalFetchVerb&) const { return ExitCode::usage; }  // run_wal_fetch took it
  template <typename Verb>
  ExitCode operator()(const Verb& verb) const {
    return execute(verb);
  }
};

ExitCode run(const std::vector<std::string>& arguments) {
  try {
    const base::SignalWatch signals;
    auto command = parse_command(arguments);
    complete(command);
    if (std::holds_alternative<ShowText>(command.verb) && is_push_of_something(arguments)) {
      fmt::print("{}", std::get<ShowText>(command.verb).text);
      return ExitCode::usage;
    }
    return execute_recorded(std::move(command),
                            [&](const Verb& verb) { return std::visit(Execute{signals.token()}, verb); });
  } catch (const base::Error& error) {
    fmt::print(stderr, "{}\n", base::describe(error));
    return exit_code_for(error.kind());
  } catch (const std::filesystem::filesystem_error& error) {
    const auto known = base::system_error(error.code().value(), "look at", error.path1().string());
    fmt::print(stderr, "{}\n", base::describe(known));
    return exit_code_for(known.kind());
  } catch (const std::exception& error) {
    fmt::print(stderr, "lifeboat: a defect of Lifeboat: {}\n", error.what());
    return ExitCode::unknown;
  }
}

}  // namespace

int main(int argument_count, char** argument_values) {
  const std::vector<std::string> arguments(argument_values + 1, argument_values + argument_count);
  if (asks_for_wal_fetch(arguments)) return run_wal_fetch(arguments);
  return static_cast<int>(run(arguments));
}
