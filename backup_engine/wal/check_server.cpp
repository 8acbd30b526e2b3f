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

postgres::Rows ask(Connection& connection, const std::string& sql, const std::vector<postgres::Value>& values = {}) {
  try {
    return connection.query(sql, values);
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

// Up to where the repository holds the server's timeline; of one of which nothing is held yet nothing says what is due.
struct Held {
  std::optional<postgres::Lsn> end;
  bool anything = false;  // of any timeline
};

// A WAL file keeps the time at which the server last wrote to it: of a finished segment, when it was finished. The
// first file from the end of what is held up to the one that is written is the one that should have come.
std::optional<UnheldSegment> first_not_held(Connection& connection, const ServerWal& server, const Held& held,
                                            bool recovering, postgres::SegmentSize size) {
  if (!held.anything || server.behind_bytes == 0) return std::nullopt;
  const auto first = held.end ? file_name(segment_holding(server.timeline, *held.end, size), size)
                              : fmt::format("{:08X}", server.timeline.number());
  const auto newest = segment_ending_at(server.timeline, server.flushed, size);
  const auto rows = ask(connection,
                        "SELECT name, greatest(0, extract(epoch FROM clock_timestamp() - modification))::bigint FROM "
                        "pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' AND name COLLATE \"C\" >= $1 AND name COLLATE "
                        "\"C\" <= $2 ORDER BY name COLLATE \"C\" LIMIT 1",
                        {first, file_name(newest, size)});
  if (rows.empty() || (held.end && rows[0][0].value() != first)) {
    // What a standby replayed may have come from an archive.
    if (!held.end || recovering) return std::nullopt;
    return UnheldSegment{first, true, std::nullopt};
  }
  const auto name = rows[0][0].value();
  const bool is_full = start_of(newest, size) + size.bytes() == server.flushed;
  return UnheldSegment{name, is_full || name != file_name(newest, size), std::stoull(rows[0][1].value())};
}

void ask_position(Connection& connection, ServerWal& server, const std::function<std::vector<WalRange>()>& held,
                  postgres::SegmentSize size) {
  // On a standby: what it replayed, on the timeline that it follows.
  const auto row = ask(connection,
                       "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE "
                       "pg_current_wal_flush_lsn() END, CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM "
                       "pg_control_checkpoint()) ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), "
                       "8))::bit(32)::int END, pg_is_in_recovery()")[0];
  server.flushed = postgres::parse_lsn(row[0].value_or("0/0")).value_or(postgres::Lsn());
  server.timeline = postgres::TimelineId(static_cast<std::uint32_t>(std::stoul(row[1].value())));
  const auto ranges = held();
  const Held known{durable_end(ranges, server.timeline), !ranges.empty()};
  const auto end = known.end.value_or(postgres::Lsn());
  server.behind_bytes = end < server.flushed ? server.flushed - end : 0;
  try {
    server.not_held = first_not_held(connection, server, known, row[2] == "t", size);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::permission) throw;
    server.may_not_list_wal = true;
  }
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

// A receiver takes what was written within seconds, archive_command a segment once it is finished.
void judge_arrival(const ServerWal& server, std::vector<WalFinding>& findings) {
  constexpr std::uint64_t most_seconds = 60;
  if (server.may_not_list_wal) {
    findings.push_back({WalSeverity::warning,
                        "whether WAL arrives is not known: the role may not list the server's pg_wal, which says since "
                        "when what is not held was written",
                        "GRANT pg_monitor TO it"});
  }
  if (!server.not_held) return;
  const auto& segment = *server.not_held;
  const bool is_due = segment.finished || !archives(server);
  if (!is_due || segment.seconds.value_or(most_seconds) < most_seconds) return;
  if (!segment.seconds) {
    findings.push_back({WalSeverity::problem,
                        fmt::format("the repository lacks {}, from which on it holds nothing, and the server has it no "
                                    "more: {} behind",
                                    segment.name, base::bytes_text(server.behind_bytes)),
                        "start lifeboat wal receive, or see to archive_command, and take a new backup; where a standby "
                        "still has that WAL, push it"});
    return;
  }
  findings.push_back(
      {WalSeverity::problem,
       fmt::format("WAL does not arrive: of {}, {} {} ago, the repository does not hold all; it is {} behind",
                   segment.name, segment.finished ? "finished" : "last written",
                   base::seconds_text(static_cast<double>(*segment.seconds)), base::bytes_text(server.behind_bytes)),
       "see that lifeboat wal receive runs for this repository, whoever else reads a slot, or what the server's log "
       "says of archive_command; what did not arrive is lost with the server"});
}

}  // namespace

ServerWal ask_server(const std::string& conninfo, const std::string& cluster, const store::ClusterIdentity& identity,
                     const std::function<std::vector<WalRange>()>& held) {
  Connection connection(conninfo, application);
  require_same_cluster(connection, cluster, identity);
  ServerWal server;
  ask_position(connection, server, held, identity.wal_segment_size);
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
  judge_arrival(server, findings);
  if (!server.slots.empty() && server.max_slot_wal_keep_size == "-1") {
    findings.push_back({WalSeverity::warning,
                        "max_slot_wal_keep_size is -1: a slot that nobody reads fills the server's disk",
                        "set it to what the disk can spare; a reader that stays away longer needs a new backup"});
  }
  return findings;
}

}  // namespace backup_engine::wal
