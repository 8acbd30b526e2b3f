#include "harness/restore/restore.hpp"

#include <utility>

#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/restore.hpp"
#include "backup_engine/safety_copy.hpp"
#include "harness/restore/foreign_cluster.hpp"

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
  request.repository = {order.repository.string(), order.key_file};
  request.cluster = order.cluster;
  request.to = order.to;
  if (order.in_place) {
    request.existing = backup_engine::ExistingFiles::set_aside;
    // The drill made that cluster itself.
    request.confirmed_system_identifier = backup_engine::postgres::read_control_file(order.to).system_identifier;
  }
  request.backup_label = order.backup_label;
  request.target = {kind_of(order.target.stop), order.target.value, order.target.inclusive, order.target.timeline,
                    action_of(order.target.action)};
  request.databases = order.databases;
  request.jobs = order.jobs;
  request.lifeboat = order.lifeboat;
  request.wal_socket = order.wal_socket;
  request.other_tablespaces = order.other_tablespaces;
  request.new_tablespaces = backup_engine::NewTablespaces::refuse;
  if (!order.other_tablespaces.empty()) std::filesystem::create_directories(order.other_tablespaces);
  const auto result = backup_engine::restore_backup(request, progress, stop);
  auto notes = result.notes;
  give_to(order.owner, order.to);
  if (!order.other_tablespaces.empty()) give_to(order.owner, order.other_tablespaces);
  if (!result.safety_copy.empty())
    notes.push_back("restored in place: the cluster that was there was set aside by rename");
  return {result.backup_label,    result.restored_bytes, result.fetch_seconds,
          result.restore_seconds, std::move(notes),      result.passed_over};
}

void roll_back(const std::filesystem::path& data_directory) {
  backup_engine::roll_back_safety_copy(data_directory);
}

}  // namespace harness::restore
