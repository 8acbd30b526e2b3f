#include "tests/pg/verify/archived_source.hpp"

#include <fmt/format.h>

#include <fstream>
#include <thread>

#include "backup_engine/base/file.hpp"
#include "harness/verify/commit_order_probe.hpp"

namespace harness::verify {

namespace fs = std::filesystem;
using backup_engine::postgres::Connection;
using server::soon;

namespace {

constexpr int sessions = 3, transactions_each = 60;

std::uint64_t current_xid(Connection& connection) {
  return std::stoull(connection.query("SELECT pg_current_xact_id()::text").single());
}

void insert(Connection& connection) {
  connection.execute("INSERT INTO commits DEFAULT VALUES");
}

}  // namespace

ArchivedSource::ArchivedSource()
    : ArchivedSource([this](const server::Server& source) {
        std::vector<std::thread> writers;
        for (int session = 0; session < sessions; ++session) {
          writers.emplace_back([&, session] { load(source, session, transactions_each); });
        }
        for (auto& writer : writers) writer.join();
      }) {}

ArchivedSource::ArchivedSource(const Load& load)
    : user_(server::resolve_server_user("")), directory_(server::OwnedDirectory::create("/var/tmp", user_)) {
  const auto source_options = options("source");
  provision::make_cluster({.installation = source_options.installation,
                           .data_directory = source_options.data_directory,
                           .checksums = true,
                           .settings = {{"wal_level", "replica"}, {"wal_keep_size", "1GB"}},
                           .run_as = user_});
  auto source = server::Server::start(source_options);
  source.wait_until_ready(soon());
  source.connect("postgres")
      .execute("CREATE TABLE commits (id bigint NOT NULL DEFAULT 0, xid xid8 NOT NULL DEFAULT pg_current_xact_id())");
  take_backup(source);
  load(source);
  source.connect("postgres").execute("SELECT pg_switch_wal()");
  source.stop(server::StopMode::fast, soon());
  copy("source/pg_wal", "archive");
}

server::ServerOptions ArchivedSource::options(const std::string& name) const {
  server::ServerOptions made;
  made.installation = server::test_installation();
  made.data_directory = directory_.path() / name;
  made.log_file = directory_.path() / (name + ".log");
  made.settings = {{"max_prepared_transactions", "10"}, {"autovacuum", "off"}};
  made.run_as = user_;
  return made;
}

ToolOptions ArchivedSource::tools() const {
  ToolOptions tools;
  tools.bin_directory = server::test_installation().bin_directory;
  return tools;
}

void ArchivedSource::copy(const std::string& from, const std::string& to) const {
  process::Command command;
  command.program = "/bin/cp";
  command.arguments = {"--archive", (directory_.path() / from).string(), (directory_.path() / to).string()};
  const auto done = process::run(command, soon());
  if (!done.status.success()) throw std::runtime_error("cp: " + done.output);
}

// The low-level way, in one session. What is committed between start and copy lies before the backup's stop.
void ArchivedSource::take_backup(const server::Server& source) {
  auto connection = source.connect("postgres");
  backup_.start_lsn = connection.query("SELECT pg_backup_start('plain copy', true)").single();
  load(source, sessions, 10);
  copy("source", "backup");
  const auto stopped = connection.query("SELECT lsn, labelfile FROM pg_backup_stop(false)")[0];
  backup_.stop_lsn = stopped[0].value();
  const auto backup = directory_.path() / "backup";
  std::ofstream(backup / "backup_label") << stopped[1].value();
  std::ofstream(backup / "recovery.signal");
  fs::remove(backup / "postmaster.pid");
  fs::permissions(backup / "backup_label", fs::perms::all);
  for (const auto& entry : fs::directory_iterator(backup / "pg_wal")) {
    if (entry.is_regular_file()) fs::remove(entry.path());
  }
}

void ArchivedSource::note(std::uint64_t xid, bool was_prepared) {
  const std::lock_guard lock(mutex_);
  loaded_.insert(xid);
  if (was_prepared) prepared_.insert(xid);
}

// Plain, with subtransactions, rolled back, prepared; and in the middle of it the restore point, later once more.
void ArchivedSource::load(const server::Server& source, int session, int transactions) {
  auto connection = source.connect("postgres");
  std::string waiting;  // a prepared transaction that commits behind later ones
  for (int i = 0; i < transactions; ++i) {
    connection.execute(i % 3 == 0 ? "BEGIN; SET LOCAL synchronous_commit = off" : "BEGIN");
    const auto xid = current_xid(connection);
    insert(connection);
    const auto name = fmt::format("p{}-{}", session, i);
    if (i % 5 == 1) {
      connection.execute(
          "SAVEPOINT a; INSERT INTO commits DEFAULT VALUES; SAVEPOINT b; DELETE FROM commits WHERE false; "
          "INSERT INTO commits DEFAULT VALUES; ROLLBACK TO b");
    }
    if (i % 5 == 2) {
      connection.execute(fmt::format("PREPARE TRANSACTION '{}'", name));
    } else {
      connection.execute(i % 5 == 3 ? "ROLLBACK" : "COMMIT");
    }
    note(xid, i % 5 == 2);
    if (!waiting.empty()) connection.execute(fmt::format("COMMIT PREPARED '{}'", waiting));
    waiting = i % 5 == 2 ? name : "";
    if (session == 0 && (i == transactions / 2 || i == transactions - 5)) {
      connection.query("SELECT pg_create_restore_point($1)", {std::string(restore_point)});
    }
  }
  if (!waiting.empty()) connection.execute(fmt::format("COMMIT PREPARED '{}'", waiting));
}

server::ServerOptions ArchivedSource::recovery_options(const std::string& name,
                                                       const reports::record::RestoreTarget& target,
                                                       const std::string& action, const std::string& archive) const {
  auto wanted = options(name);
  wanted.settings["restore_command"] = fmt::format("cp {}/%f %p", this->archive(archive).string());
  if (!target.timeline.empty()) wanted.settings["recovery_target_timeline"] = target.timeline;
  if (target.type == "end_of_wal") return wanted;
  wanted.settings["recovery_target_action"] = action;
  wanted.settings["recovery_target_inclusive"] = target.inclusive ? "on" : "off";
  if (target.type == "immediate") {
    wanted.settings["recovery_target"] = "immediate";
  } else {
    wanted.settings["recovery_target_" + target.type] = target.value;
  }
  return wanted;
}

void ArchivedSource::wait_until_there(server::Server& server, const std::string& action) {
  server.wait_until_ready(soon());
  auto connection = server.connect("postgres");
  backup_engine::base::poll_until(soon(), "the target", [&]() -> std::optional<std::string> {
    if (server.ended()) throw std::runtime_error("the server ended");
    const auto row = connection.query(
        "SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN "
        "pg_get_wal_replay_pause_state() END")[0];
    const bool there = action == "pause" ? row[1] == "paused" : row[0] == "f";
    return there ? std::nullopt : std::optional(row[1].value_or("promoted"));
  });
}

std::optional<Recovered> ArchivedSource::recover(const std::string& name, const reports::record::RestoreTarget& target,
                                                 const std::string& action, const std::string& archive,
                                                 const Look& look) const {
  copy("backup", name);
  const auto wanted = recovery_options(name, target, action, archive);
  auto server = server::Server::start(wanted);
  try {
    wait_until_there(server, action);
    auto connection = server.connect("postgres");
    Recovered recovered;
    const auto reached = read_reached_point(cluster_of(server, "postgres"));
    recovered.reached_lsn = reached.lsn;
    recovered.reached_timeline = reached.timeline;
    for (const auto& row : connection.query("SELECT DISTINCT id, xid::text FROM commits")) {
      const auto xid = std::stoull(row[1].value());
      recovered.xids.insert(xid);
      recovered.rows.rows.push_back({std::stoll(row[0].value()), xid, "", ""});
    }
    if (look) look(cluster_of(server, "postgres"));
    return recovered;
  } catch (const std::exception& error) {
    const auto log = backup_engine::base::read_file(wanted.log_file);
    if (log.find("recovery ended before configured recovery target was reached") != std::string::npos)
      return std::nullopt;
    throw std::runtime_error(fmt::format("{}; its log: {}", error.what(), log));
  }
}

void ArchivedSource::branch_off(const reports::record::RestoreTarget& target, const Load& load,
                                const std::string& archive) const {
  const auto branch = archive + "-branch";
  copy("backup", branch);
  auto server = server::Server::start(recovery_options(branch, target, "promote", "archive"));
  wait_until_there(server, "promote");
  load(server);
  server.connect("postgres").execute("SELECT pg_switch_wal()");
  server.stop(server::StopMode::fast, soon());
  copy("archive", archive);
  for (const auto& entry : fs::directory_iterator(directory_.path() / branch / "pg_wal")) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("00000002")) copy(branch + "/pg_wal/" + name, archive + "/" + name);
  }
}

}  // namespace harness::verify
