#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/restore/restore.hpp"
#include "harness/restore/server_log.hpp"

namespace harness::restore {

namespace base = backup_engine::base;

namespace {

constexpr auto limit_to_fall = std::chrono::seconds(30);  // from a lost connection to the end of a failing server

RecoveryLog log_of(const server::Server& server) {
  return read_recovery_log(base::read_file(server.options().log_file));
}

base::Error failure(const server::Server& server, const std::string& what) {
  constexpr int tail_lines = 20;
  return base::Error(base::ErrorKind::process, what)
      .with_remedy("read its log: " + server.options().log_file.string())
      .with_log_tail(process::tail_of(server.options().log_file, tail_lines));
}

// A pause that nobody asked for: PostgreSQL goes on only after another start, with the settings that it wants.
void require_high_settings(const server::Server& server) {
  constexpr int tail_lines = 20;
  const auto log = log_of(server);
  if (log.too_low.empty()) return;
  throw base::Error(base::ErrorKind::process,
                    "recovery has paused where the source was started with higher settings: " + log.too_low)
      .with_remedy("start it again with that setting (-c, or in postgresql.auto.conf); recovery goes on where it is")
      .with_log_tail(process::tail_of(server.options().log_file, tail_lines));
}

// Called where `error` is handled. A connection is lost a moment before the postmaster ends; then its log has the
// reason.
[[noreturn]] void rethrow_as_failure(server::Server& server, const base::Error& error) {
  if (error.kind() == base::ErrorKind::connection) {
    base::poll_until(base::Deadline::after(limit_to_fall), "the failing server to end",
                     [&] { return server.running() ? std::optional<std::string>(error.what()) : std::nullopt; });
  }
  if (server.running()) throw;
  throw failure(server, "recovery failed: " + describe_failure(log_of(server)));
}

void wait_until_promoted(const server::Server& server, const base::Deadline& deadline, const std::stop_token& stop) {
  auto connection = server.connect();
  base::poll_until(
      deadline, "the restored server to promote",
      [&]() -> std::optional<std::string> {
        const auto state = connection.query(
            "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn(), CASE WHEN pg_is_in_recovery() THEN "
            "pg_get_wal_replay_pause_state() END");
        if (state[0][0] == "f") return std::nullopt;
        if (state[0][2] == "paused") require_high_settings(server);
        return fmt::format("in recovery at {}", state[0][1].value_or("no position"));
      },
      stop);
}

// A server that is paused at its target is read-only; told to resume, it promotes.
void pass_pause(server::Server& server, Milestones& milestones, const base::Deadline& deadline,
                const std::stop_token& stop) {
  try {
    server.wait_until_ready(deadline, stop);
    milestones.readable = base::utc_now();
    wait_until_paused(server, deadline, stop);
    auto connection = server.connect();
    if (connection.query("SHOW transaction_read_only").single() != "on") {
      throw failure(server, "the server says that it is paused at its target, and takes writes");
    }
    connection.query("SELECT pg_wal_replay_resume()");
  } catch (const base::Error& error) {
    rethrow_as_failure(server, error);
  }
}

// Until it ended by itself at its target.
void wait_until_shut_down(server::Server& server, const base::Deadline& deadline, const std::stop_token& stop) {
  base::poll_until(
      deadline, "the restored server to shut down at its target",
      [&]() -> std::optional<std::string> {
        if (!server.running()) return std::nullopt;
        if (log_of(server).promoted)
          throw failure(server, "the server promoted instead of shutting down at its target");
        return "it runs";
      },
      stop);
  const auto log = log_of(server);
  const auto ended = server.ended();
  if (ended && ended->success() && !log.stopping.empty()) return;
  throw failure(server, fmt::format("recovery failed, the server ended with {}: {}",
                                    process::to_text(ended.value_or(process::ExitStatus{})), describe_failure(log)));
}

server::Server start_and_pass_target(server::ServerOptions options, Action action, Milestones& milestones,
                                     const base::Deadline& deadline, const std::stop_token& stop) {
  auto server = server::Server::start(options);
  if (action == Action::promote) return server;
  if (action == Action::pause) {
    pass_pause(server, milestones, deadline, stop);
    return server;
  }
  wait_until_shut_down(server, deadline, stop);
  // The settings that the restore left behind would shut it down again.
  options.settings["recovery_target_action"] = "promote";
  return server::Server::start(std::move(options));
}

// Until it has promoted and committed a write.
void finish_recovery(server::Server& server, Milestones& milestones, const base::Deadline& deadline,
                     const std::stop_token& stop) {
  try {
    server.wait_until_ready(deadline, stop);
    if (!milestones.readable) milestones.readable = base::utc_now();
    wait_until_promoted(server, deadline, stop);
    server.connect().query("SELECT pg_logical_emit_message(true, 'lifeboat', 'the restored server accepts writes')");
  } catch (const base::Error& error) {
    rethrow_as_failure(server, error);
  }
  milestones.writable = base::utc_now();
  const auto log = log_of(server);
  milestones.consistent = log.consistent;
  milestones.replayed = log.replayed;
  milestones.replayed_lsn = log.replayed_lsn;
  milestones.redo_began = log.redo_began;
  milestones.redo_lsn = log.redo_lsn;
}

}  // namespace

Milestones wait_until_writable(server::Server& server, Milestones::Time started, const base::Deadline& deadline,
                               const std::stop_token& stop) {
  Milestones milestones;
  milestones.started = started;
  finish_recovery(server, milestones, deadline, stop);
  return milestones;
}

Recovered recover_until_writable(server::ServerOptions options, Action action, const base::Deadline& deadline,
                                 const std::stop_token& stop) {
  Milestones milestones;
  milestones.started = base::utc_now();
  auto server = start_and_pass_target(std::move(options), action, milestones, deadline, stop);
  finish_recovery(server, milestones, deadline, stop);
  return {std::move(server), milestones};
}

void wait_until_paused(server::Server& server, const base::Deadline& deadline, const std::stop_token& stop) {
  server.wait_until_ready(deadline, stop);
  auto connection = server.connect();
  base::poll_until(
      deadline, "recovery to pause at its target",
      [&]() -> std::optional<std::string> {
        // In one statement: between two, the server could promote.
        const auto state = connection.query(
            "SELECT CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() ELSE 'promoted' END");
        if (state.single() == "paused") {
          require_high_settings(server);
          return std::nullopt;
        }
        if (state.single() == "promoted") {
          throw base::Error(base::ErrorKind::process, "the server promoted instead of pausing at its target")
              .with_remedy("see its log: hot standby must be active before the target is reached");
        }
        return state.single();
      },
      stop);
}

}  // namespace harness::restore
