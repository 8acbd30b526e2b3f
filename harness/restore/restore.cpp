#include "harness/restore/restore.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/restore.hpp"
#include "harness/restore/server_log.hpp"

namespace harness::restore {

namespace base = backup_engine::base;

namespace {

backup_engine::TargetKind kind_of(Stop stop) {
  using backup_engine::TargetKind;
  switch (stop) {
    case Stop::end_of_wal:
      return TargetKind::end_of_wal;
    case Stop::immediate:
      return TargetKind::immediate;
    case Stop::name:
      return TargetKind::name;
    case Stop::time:
      return TargetKind::time;
    case Stop::lsn:
      return TargetKind::lsn;
    case Stop::xid:
      return TargetKind::xid;
  }
  return TargetKind::end_of_wal;
}

backup_engine::TargetAction action_of(Action action) {
  using backup_engine::TargetAction;
  switch (action) {
    case Action::promote:
      return TargetAction::promote;
    case Action::pause:
      return TargetAction::pause;
    case Action::shutdown:
      return TargetAction::shutdown;
  }
  return TargetAction::promote;
}

}  // namespace

Restored restore_files(const RestoreOrder& order, base::Progress& progress, const std::stop_token& stop) {
  backup_engine::RestoreRequest request;
  request.repository.text = order.repository.string();
  request.cluster = order.cluster;
  request.to = order.to;
  request.backup_label = order.backup_label;
  request.target = {kind_of(order.target.stop), order.target.value, order.target.inclusive, order.target.timeline,
                    action_of(order.target.action)};
  request.jobs = order.jobs;
  request.lifeboat = order.lifeboat;
  request.other_tablespaces = order.other_tablespaces;
  const auto result = backup_engine::restore_backup(request, progress, stop);
  return {result.backup_label, result.restored_bytes, result.fetch_seconds, result.restore_seconds};
}

Milestones wait_until_writable(server::Server& server, Milestones::Time started, const base::Deadline& deadline,
                               const std::stop_token& stop) {
  Milestones milestones;
  milestones.started = started;
  server.wait_until_ready(deadline, stop);
  milestones.readable = base::utc_now();
  auto connection = server.connect();
  base::poll_until(
      deadline, "the restored server to promote",
      [&]() -> std::optional<std::string> {
        const auto state = connection.query("SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn()");
        if (state[0][0] == "f") return std::nullopt;
        return fmt::format("in recovery at {}", state[0][1].value_or("no position"));
      },
      stop);
  connection.query("SELECT pg_logical_emit_message(true, 'lifeboat', 'the restored server accepts writes')");
  milestones.writable = base::utc_now();
  const auto log = read_recovery_log(base::read_file(server.options().log_file));
  milestones.consistent = log.consistent;
  milestones.replayed = log.replayed;
  milestones.replayed_lsn = log.replayed_lsn;
  return milestones;
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
        if (state.single() == "paused") return std::nullopt;
        if (state.single() == "promoted") {
          throw base::Error(base::ErrorKind::process, "the server promoted instead of pausing at its target")
              .with_remedy("see its log: hot standby must be active before the target is reached");
        }
        return state.single();
      },
      stop);
}

}  // namespace harness::restore
