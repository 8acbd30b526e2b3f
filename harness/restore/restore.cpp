#include "harness/restore/restore.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/restore.hpp"
#include "harness/restore/server_log.hpp"

namespace harness::restore {

namespace base = backup_engine::base;

namespace {

backup_engine::RecoveryTarget target_of(const RestoreOrder& order) {
  using backup_engine::TargetAction;
  using backup_engine::TargetKind;
  backup_engine::RecoveryTarget target;
  switch (order.goal) {
    case Goal::end_of_wal:
      break;
    case Goal::immediate:
      target.kind = TargetKind::immediate;
      break;
    case Goal::pause_immediate:
      target.kind = TargetKind::immediate;
      target.action = TargetAction::pause;
      break;
    case Goal::pause_at_name:
      target.kind = TargetKind::name;
      target.value = order.restore_point;
      target.action = TargetAction::pause;
      break;
  }
  return target;
}

}  // namespace

Restored restore_files(const RestoreOrder& order, base::Progress& progress, const std::stop_token& stop) {
  backup_engine::RestoreRequest request;
  request.repository.text = order.repository.string();
  request.cluster = order.cluster;
  request.to = order.to;
  request.target = target_of(order);
  request.jobs = order.jobs;
  request.lifeboat = order.lifeboat;
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
