// lifeboat-wal-fetch: what `lifeboat wal fetch` does, for restore_command.
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

#include "harness/cli/exit_code.hpp"
#include "harness/cli/wal_fetch.hpp"
#include "harness/cli/whole_numbers.hpp"

int main(int argument_count, char** argument_values) {
  CLI::App app("For restore_command: lifeboat-wal-fetch … %f %p", "lifeboat-wal-fetch");
  backup_engine::WalFetchRequest request;
  harness::cli::add_wal_fetch_options(app, request);
  harness::cli::require_whole_numbers(app);
  try {
    app.parse(argument_count, argument_values);
    // This program reads no lifeboat.yaml.
    if (request.socket.empty() && request.repository.text.empty()) throw CLI::RequiredError("--repo or --socket");
  } catch (const CLI::Success& asked) {
    app.exit(asked, std::cout, std::cerr);
    return harness::cli::wal_fetch_failed;  // no file was fetched
  } catch (const CLI::ParseError& error) {
    std::cerr << "lifeboat: " << error.what() << "\n";
    return harness::cli::wal_fetch_failed;
  }
  return harness::cli::fetch_for_postgresql(request);
}
