// Owns one server until it is told to end: the tests kill it to see that nothing stays behind.
// doomed_owner DATA_DIRECTORY LOG_FILE SOCKET_PARENT READY_FILE
#include <cstdio>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/signal_watch.hpp"
#include "harness/server/server.hpp"
#include "tests/pg/server/test_installation.hpp"

using backup_engine::base::Deadline;

int main(int count, char** words) {
  if (count != 5) return 3;
  const backup_engine::base::SignalWatch signals;
  try {
    harness::server::ServerOptions options;
    options.installation = harness::server::test_installation();
    options.data_directory = words[1];
    options.log_file = words[2];
    options.socket_parent = words[3];
    options.run_as = harness::server::resolve_server_user("");
    auto server = harness::server::Server::start(options);
    server.wait_until_ready(Deadline::after(std::chrono::minutes(5)), signals.token());
    auto busy = server.connect();
    backup_engine::base::write_file_atomically(words[4], server.socket_directory().string());
    backup_engine::base::poll_until(
        Deadline::never(), "a signal", [] { return std::optional<std::string>("none"); }, signals.token());
  } catch (const backup_engine::base::Error& error) {
    std::fputs(describe(error).c_str(), stderr);
    return error.kind() == backup_engine::base::ErrorKind::interrupted ? 130 : 2;
  }
  return 0;
}
