// lifeboat-wal-push: what `lifeboat wal push` does, for archive_command.
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

#include "backup_engine/base/error.hpp"
#include "harness/cli/wal_push.hpp"
#include "harness/cli/whole_numbers.hpp"

namespace {

using harness::cli::ExitCode;

ExitCode run(int argument_count, char** argument_values) {
  CLI::App app("For archive_command: lifeboat-wal-push … %p", "lifeboat-wal-push");
  backup_engine::WalPushRequest request;
  harness::cli::add_wal_push_options(app, request);
  app.get_option("--repo")->required();  // this program reads no lifeboat.yaml
  harness::cli::require_whole_numbers(app);
  try {
    app.parse(argument_count, argument_values);
  } catch (const CLI::Success& asked) {
    app.exit(asked, std::cout, std::cerr);
    return ExitCode::usage;  // PostgreSQL takes 0 for an archived segment, and may remove it
  } catch (const CLI::ParseError& error) {
    std::cerr << "lifeboat: " << error.what() << "\n";
    return ExitCode::usage;
  } catch (const backup_engine::base::Error& error) {
    std::cerr << backup_engine::base::describe(error) << "\n";
    return harness::cli::exit_code_for(error.kind());
  }
  return harness::cli::push_for_postgresql(request);
}

}  // namespace

int main(int argument_count, char** argument_values) {
  return static_cast<int>(run(argument_count, argument_values));
}
