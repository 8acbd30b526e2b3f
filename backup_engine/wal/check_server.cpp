#include "backup_engine/wal/check_server.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/quantity_text.hpp"
#include "backup_engine/postgres/connection.hpp"
#include "backup_engine/postgres/replication_connection.hpp"

namespace backup_engine::wal {

using base::Error;
using base::ErrorKind;
using postgres::Connection;

namespace {

constexpr auto application = "lifeboat wal check";

postgres::Rows ask(Connection& connection, const std::string& sql) {
  try {
    return connection.query(sql);
  } catch (const Error& error) {
    if (error.sqlstate() != "42501") throw;  // insufficient_privilege
    throw Error(ErrorKind::permission, error.what())
        .with_sqlstate(error.sqlstate())
        .with_remedy("the role needs pg_monitor");
  }
}

void require_same_cluster(Connection& connection, const std::string& cluster, const store::ClusterIdentity& identity) {
  const auto identifier = ask(connection, "SELECT system_identifier FROM pg_control_system()").single();
  if (identifier == std::to_string(identity.system_identifier)) return;
  throw Error(ErrorKind::mismatch, fmt::format("cluster '{}' has the system identifier {}, the server {}", cluster,
                                               identity.system_identifier, identifier))
      .with_remedy("check which server --dbname reaches, or name its own --cluster");
}

void ask_position(Connection& connection, ServerWal& server, std::span<const WalRange> held) {
  // On a standby: what it replayed, on the timeline that it follows.
  const auto row = ask(connection,
                       "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE "
                       "pg_current_wal_flush_lsn() END, CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM "
                       "pg_control_checkpoint()) ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), "
                       "8))::bit(32)::int END")[0];
  server.flushed = postgres::parse_lsn(row[0].value_or("0/0")).value_or(postgres::Lsn());
  server.timeline = postgres::TimelineId(static_cast<std::uint32_t>(std::stoul(row[1].value())));
  const auto end = durable_end(held, server.timeline).value_or(postgres::Lsn());
  server.behind_bytes = end < server.flushed ? server.flushed - end : 0;
}

void ask_archiver(Connection& connection, ServerWal& server) {
  const auto row =
      ask(connection,
          "SELECT current_setting('archive_mode'), CASE WHEN current_setting('archive_library', true) <> '' THEN "
          "'archive_library ' || current_setting('archive_library') ELSE "
          "current_setting('archive_command', true) END, "
          "last_archived_wal, last_failed_wal, last_failed_time > coalesce(last_archived_time, "
          "'-infinity'), current_setting('max_slot_wal_keep_size') FROM pg_stat_archiver")[0];
  server.archive_mode = row[0].value_or("");
  server.archive_command = row[1].value_or("");
  server.last_archived = row[2].value_or("");
  server.last_failed = row[3].value_or("");
  server.archiving_fails = row[4] == "t";
  server.max_slot_wal_keep_size = row[5].value_or("");
}

void ask_slots(Connection& connection, ServerWal& server) {
  const auto rows = ask(connection,
                        "SELECT slot_name, active, wal_status, coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() "
                        "THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn), 0)::bigint FROM "
                        "pg_replication_slots WHERE slot_type = 'physical' AND NOT temporary ORDER BY slot_name");
  for (const auto& row : rows) {
    const auto kept = std::stoll(row[3].value());
    server.slots.push_back(
        {row[0].value(), row[1] == "t", row[2].value_or(""), static_cast<std::uint64_t>(std::max(0LL, kept))});
  }
}

bool archives(const ServerWal& server) {
  return server.archive_mode != "off" && !server.archive_command.empty() && server.archive_command != "(disabled)";
}

std::string why_not_archived(const ServerWal& server) {
  return server.archive_mode == "off" ? "archive_mode is off" : "archive_command is empty";
}

void judge_slot(const ServerSlot& slot, std::vector<WalFinding>& findings) {
  if (slot.wal_status == "lost") {
    findings.push_back(
        {WalSeverity::problem,
         fmt::format("the slot \"{}\" is lost: the server has removed WAL that nobody had read", slot.name),
         "drop it (lifeboat wal receive --drop-slot), make it anew, and take a new backup"});
  } else if (!slot.active) {
    findings.push_back(
        {WalSeverity::warning,
         fmt::format("nobody reads the slot \"{}\": it keeps {} of WAL on the server, and more from now on", slot.name,
                     base::bytes_text(slot.kept_bytes)),
         "start its reader (lifeboat wal receive), or drop it when nobody needs it"});
  }
}

}  // namespace

ServerWal ask_server(const std::string& conninfo, const std::string& cluster, const store::ClusterIdentity& identity,
                     std::span<const WalRange> held) {
  Connection connection(conninfo, application);
  require_same_cluster(connection, cluster, identity);
  ServerWal server;
  ask_position(connection, server, held);
  ask_archiver(connection, server);
  ask_slots(connection, server);
  return server;
}

ServerWal ask_server(const std::string& conninfo) {
  Connection connection(conninfo, application);
  ServerWal server;
  ask_archiver(connection, server);
  ask_slots(connection, server);
  return server;
}

std::vector<WalFinding> judge_server(const ServerWal& server) {
  std::vector<WalFinding> findings;
  for (const auto& slot : server.slots) judge_slot(slot, findings);
  if (server.archiving_fails) {
    findings.push_back({WalSeverity::problem,
                        fmt::format("archiving fails: the last attempt, with {}, did", server.last_failed),
                        "the server's log holds what its archive_command said"});
  }
  const bool read = std::ranges::any_of(server.slots, &ServerSlot::active);
  if (!read && !archives(server)) {
    findings.push_back({WalSeverity::problem,
                        fmt::format("WAL does not leave the server: no slot is read, and {}", why_not_archived(server)),
                        "start lifeboat wal receive, or make lifeboat wal push its archive_command"});
  }
  if (!server.slots.empty() && server.max_slot_wal_keep_size == "-1") {
    findings.push_back({WalSeverity::warning,
                        "max_slot_wal_keep_size is -1: a slot that nobody reads fills the server's disk",
                        "set it to what the disk can spare; a reader that stays away longer needs a new backup"});
  }
  return findings;
}

}  // namespace backup_engine::wal
