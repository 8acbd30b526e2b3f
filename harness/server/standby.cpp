#include "harness/server/standby.hpp"

#include <fmt/format.h>

#include <sstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/postgres/configuration.hpp"
#include "backup_engine/postgres/conninfo.hpp"

namespace harness::server {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::poll_until;

namespace {

constexpr int log_tail_lines = 20;

// "pg_basebackup: error: …", the last of them; what follows it is only of tidying up. Empty when it said nothing.
std::string last_error_of(const std::string& output) {
  std::string last, last_error;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    last = line;
    if (line.find("error: ") != std::string::npos) last_error = line;
  }
  return last_error.empty() ? last : last_error;
}

// Nothing is synced: no power is cut here, and the WAL that it streams PostgreSQL does sync. The slot keeps what it
// needs until it streams.
void copy_primary(const Server& primary, const StandbyOptions& options, const Deadline& deadline,
                  const std::stop_token& stop) {
  process::Command command;
  command.program = require_program(primary.options().installation, "pg_basebackup");
  command.arguments = {
      "--pgdata=" + options.data_directory.string(),
      "--dbname=" + backup_engine::postgres::with_keyword(primary.conninfo(), "application_name", options.name),
      "--slot=" + options.name,
      "--create-slot",
      "--write-recovery-conf",
      "--checkpoint=fast",
      "--no-sync"};
  command.output_file = options.log_file;
  command.run_as = primary.options().run_as;
  const auto done = process::run(command, deadline, stop);
  if (done.status.success()) return;
  const auto why = last_error_of(done.output);
  throw Error(ErrorKind::process, fmt::format("pg_basebackup made no standby ({}){}{}", process::to_text(done.status),
                                              why.empty() ? "" : ": ", why))
      .of_command(process::to_text(command))
      .with_remedy("read " + options.log_file.string())
      .with_log_tail(process::tail_of(options.log_file, log_tail_lines));
}

}  // namespace

Server start_standby(const Server& primary, const StandbyOptions& options, const Deadline& deadline,
                     const std::stop_token& stop) {
  copy_primary(primary, options, deadline, stop);
  auto as_primary = primary.options();
  as_primary.data_directory = options.data_directory;
  as_primary.log_file = options.log_file;
  as_primary.settings = options.settings;
  as_primary.volume.reset();  // it is the primary's pg_wal
  auto standby = Server::start(std::move(as_primary));
  standby.wait_until_ready(deadline, stop);
  return standby;
}

void wait_for_standbys(const Server& primary, const std::string& standby_names, const std::string& name,
                       const Deadline& deadline, const std::stop_token& stop) {
  auto connection = primary.connect();
  connection.execute("ALTER SYSTEM SET synchronous_standby_names = " +
                     backup_engine::postgres::quote_literal(standby_names));
  connection.execute("SELECT pg_reload_conf()");
  poll_until(
      deadline, fmt::format("{} to become a synchronous standby", name),
      [&]() -> std::optional<std::string> {
        const auto rows =
            connection.query("SELECT sync_state FROM pg_stat_replication WHERE application_name = $1", {name});
        const auto state = rows.empty() ? std::string("not connected") : rows[0][0].value_or("no state");
        return state == "sync" ? std::nullopt : std::optional(state);
      },
      stop);
}

void wait_until_confirmed(const Server& primary, const std::string& name, const Deadline& deadline,
                          const std::stop_token& stop) {
  auto connection = primary.connect();
  const auto flushed = connection.query("SELECT pg_current_wal_flush_lsn()").single();
  poll_until(
      deadline, fmt::format("{} to confirm {}", name, flushed),
      [&]() -> std::optional<std::string> {
        const auto rows = connection.query(
            "SELECT flush_lsn, flush_lsn >= $2::pg_lsn FROM pg_stat_replication WHERE application_name = $1",
            {name, flushed});
        if (rows.empty()) return "not connected";
        return rows[0][1] == "t" ? std::nullopt : std::optional(rows[0][0].value_or("nothing was confirmed"));
      },
      stop);
}

void promote(Server& standby, const Deadline& deadline) {
  auto connection = standby.connect();
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(deadline.remaining()).count();
  const auto promoted = connection.query("SELECT pg_promote(true, $1::int)", {std::to_string(seconds)}).single();
  if (promoted != "t") {
    throw Error(ErrorKind::timed_out, "the standby was not promoted in time")
        .with_log_tail(process::tail_of(standby.options().log_file, log_tail_lines));
  }
  for (const auto* const setting : {"primary_conninfo", "primary_slot_name"}) {
    connection.execute(fmt::format("ALTER SYSTEM RESET {}", setting));
  }
  connection.execute("SELECT pg_reload_conf()");
  connection.execute("CHECKPOINT");  // until then the control file tells of the old timeline
}

}  // namespace harness::server
