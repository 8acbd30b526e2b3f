#include "harness/drill/recovery.hpp"

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/postgres/lsn.hpp"
#include "harness/drill/rto_clock.hpp"
#include "harness/drill/second_disaster.hpp"
#include "harness/restore/foreign_cluster.hpp"
#include "harness/restore/server_log.hpp"
#include "harness/restore/surroundings.hpp"
#include "harness/server/quarantine.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace record = reports::record;
using base::Deadline;

restore::RestoreOrder order_for(const Context& context, const Origin& origin, const std::filesystem::path& to) {
  const auto& database = context.plan.scenario.restore.partial.database;
  restore::RestoreOrder order;
  order.repository = origin.repository.directory;
  order.cluster = origin.repository.cluster;
  order.key_file = origin.repository.key_file;
  order.lifeboat = origin.repository.lifeboat;
  order.wal_socket = origin.wal_socket;
  order.backup_label = origin.backup_label;
  order.to = to;
  if (origin.foreign) {
    order.owner = context.workplace.user();
    order.other_tablespaces = to.string() + "-tablespaces";
  }
  order.jobs = context.plan.circumstances.jobs;
  if (!database.empty()) order.databases = {database};
  return order;
}

server::ServerOptions quarantined(const Context& context, const Origin& origin,
                                  const std::filesystem::path& data_directory, std::string_view log_name) {
  const auto& circumstances = context.plan.circumstances;
  server::ServerOptions options;
  options.installation =
      server::choose_installation(server::find_installations(circumstances.postgres_bin_directory), {});
  options.data_directory = data_directory;
  options.log_file = context.directory.log(log_name);
  options.run_as = context.workplace.user();
  options.superuser = origin.superuser;
  options.sessions.stop = context.stop;
  const auto major = options.installation.version.major();
  std::filesystem::path access_rules;
  if (origin.foreign) {
    access_rules = restore::write_access_rules(context.workplace.path() / (std::string(log_name) + "-pg_hba.conf"),
                                               context.workplace.user());
    options.settings = restore::settings_of_foreign_cluster(major, access_rules);
  } else {
    options.settings = server::quarantine_settings(major);
  }
  options.isolation = restore::isolation_of(order_for(context, origin, data_directory), access_rules);
  options.settings["recovery_init_sync_method"] = "syncfs";  // the restore has synced every file: docs/adr/0003
  return options;
}

namespace {

// WAL by PostgreSQL's own log, bytes by the engine; what neither says stays unknown.
record::RestoreRecord::Volume volume_of(const restore::Restored& restored, const restore::Milestones& milestones) {
  record::RestoreRecord::Volume volume;
  volume.restored_bytes = restored.bytes;
  const auto from = backup_engine::postgres::parse_lsn(milestones.redo_lsn);
  const auto to = backup_engine::postgres::parse_lsn(milestones.replayed_lsn);
  if (from && to && *from <= *to) volume.replayed_wal_bytes = *to - *from;
  if (milestones.redo_began && milestones.replayed) {
    volume.replay_seconds = std::chrono::duration<double>(*milestones.replayed - *milestones.redo_began).count();
  }
  return volume;
}

}  // namespace

Recovery recover(const Context& context, const Origin& origin, const restore::Target& target,
                 const SourceSide::Spent& spent) {
  const bool cold = backup::evict_from_page_cache(origin.repository);
  const bool in_place = context.plan.scenario.restore.in_place;
  auto order = order_for(context, origin, in_place ? context.workplace.source() : context.workplace.restored());
  order.in_place = in_place;
  order.target = target;

  RtoClock clock(spent.detect + spent.end);
  clock.end_phases({{"detect", spent.detect}});
  context.step("restore.begin", in_place ? "restore in place of the source" : "restore into an empty directory");
  auto options = quarantined(context, origin, order.to, "restored");
  clock.end_phase("provision");
  std::optional<record::DisasterRecord> struck;
  if (context.plan.scenario.restore.struck_by) {
    struck = strike_restore(context, order, options);
    clock.end_phase("struck");
    context.step("restore.again", "the restore is begun again");
  }
  const auto restored = restore::restore_files(order, context.observer.progress(context.plan.drill_id), context.stop);
  clock.end_phases({{"fetch", restored.fetch_seconds}, {"restore", restored.restore_seconds}});
  journal_restored(context, restored);

  context.step("recovery.begin", "recover, until a write is committed");
  auto recovered = restore::recover_until_writable(std::move(options), target.action,
                                                   Deadline::after(context.plan.recovery_limit), context.stop);
  clock.end_recovery(recovered.milestones);
  context.journal.append("recovery.done", {{"replayed_lsn", recovered.milestones.replayed_lsn}});
  const auto writable = recovered.milestones.writable.value_or(base::utc_now());
  const auto repeats = context.plan.scenario.repeat;  // whoever repeats it says which of the earlier ones it is
  return {std::move(recovered.server),
          {restored.backup_label, clock.started_at(), writable, clock.phases(), cold, restored.notes,
           restored.passed_over, volume_of(restored, recovered.milestones),
           repeats > 1 ? std::optional(repeats) : std::nullopt, std::move(struck)}};
}

void journal_restored(const Context& context, const restore::Restored& restored) {
  context.journal.append("restore.done", {{"label", restored.backup_label}, {"bytes", std::to_string(restored.bytes)}});
  for (const auto& note : restored.notes) context.journal.append("restore.note", {{"text", note}});
}

record::RestoreRecord::Reached reached_in_vain(const Context& context) {
  const auto file = context.directory.log("restored");
  if (!std::filesystem::exists(file)) return {};
  const auto log = restore::read_recovery_log(base::read_file(file));
  return {log.replayed_lsn, log.last_transaction, ""};
}

restore::Target place_to_pause(const restore::Target& target, const record::Mark* mark) {
  if (target.stop == restore::Stop::immediate) return target;
  restore::Target place = target;
  if (mark != nullptr) {
    place = {};
    place.stop = restore::Stop::name;
    place.value = mark->restore_point;
  } else if (target.stop == restore::Stop::end_of_wal) {
    place.stop = restore::Stop::immediate;
  }
  return place;
}

SecondCopy restore_second_copy(const Context& context, const Origin& origin, restore::Target target,
                               const std::string& name) {
  context.step("examination.restore", "restore a second copy, to look at before its first start");
  auto order = order_for(context, origin, context.workplace.path() / name);
  order.target = std::move(target);
  order.target.action = restore::Action::pause;
  (void)restore::restore_files(order, context.observer.progress(context.plan.drill_id), context.stop);
  return {order.to, name};
}

server::Server start_second_copy(const Context& context, const Origin& origin, const SecondCopy& copy) {
  auto options = quarantined(context, origin, copy.data_directory, copy.name);
  // A standby refuses every query under a default of serializable; nothing judges this copy's settings.
  options.settings["default_transaction_isolation"] = "read committed";
  auto second = server::Server::start(std::move(options));
  restore::wait_until_paused(second, Deadline::after(context.plan.recovery_limit), context.stop);
  return second;
}

}  // namespace harness::drill
