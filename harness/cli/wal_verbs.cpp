#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/cli/wal_check_listing.hpp"
#include "harness/cli/wal_fetch.hpp"

namespace harness::cli {

namespace base = backup_engine::base;

ExitCode execute(const WalReceiveVerb& verb, const std::stop_token& stop) {
  auto request = verb.request;
  request.on_event = [](const std::string& line) {
    fmt::print(stderr, "{} {}\n", base::to_rfc3339(base::utc_now()), line);
  };
  backup_engine::receive_wal(request, stop);
  return ExitCode::pass;
}

// Silent: PostgreSQL's log is where its output goes, once for every segment.
ExitCode execute(const WalPushVerb& verb) {
  (void)backup_engine::push_wal(verb.request);
  return ExitCode::pass;
}

ExitCode execute(const WalCheckVerb& verb) {
  auto request = verb.request;
  auto worst_of_server = ExitCode::pass;
  const auto checked = [&] {
    try {
      return backup_engine::check_wal(request);
    } catch (const base::Error& error) {
      // What can be recovered matters most when the server is gone.
      if (error.kind() != base::ErrorKind::connection || request.conninfo.empty()) throw;
      fmt::print(stderr, "the server was not looked at: {}\n", base::describe(error));
      worst_of_server = exit_code_for(error.kind());
      request.conninfo.clear();
      return backup_engine::check_wal(request);
    }
  };
  const auto result = checked();
  fmt::print("{}", verb.format == OutputFormat::json ? wal_check_json(result) : wal_check_text(result));
  return worst({result.sound() ? ExitCode::pass : ExitCode::fail, worst_of_server});
}

int execute(const WalFetchVerb& verb) noexcept {
  return fetch_for_postgresql(verb.request);
}

}  // namespace harness::cli
