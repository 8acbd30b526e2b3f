#include "harness/drill/recovery.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "harness/drill/rto_clock.hpp"
#include "harness/server/quarantine.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
using base::Deadline;

namespace {

restore::RestoreOrder order_for(const Context& context, const SourceSide& source, const std::filesystem::path& to) {
  restore::RestoreOrder order;
  order.repository = source.repository().directory;
  order.cluster = source.repository().cluster;
  order.lifeboat = source.repository().lifeboat;
  order.to = to;
  order.jobs = context.plan.circumstances.jobs;
  return order;
}

}  // namespace

server::ServerOptions quarantined(const Context& context, const std::filesystem::path& data_directory,
                                  std::string_view log_name) {
  const auto& circumstances = context.plan.circumstances;
  server::ServerOptions options;
  options.installation =
      server::choose_installation(server::find_installations(circumstances.postgres_bin_directory), {});
  options.data_directory = data_directory;
  options.log_file = context.directory.log(log_name);
  options.run_as = context.workplace.user();
  options.settings = server::quarantine_settings(options.installation.version.major());
  options.settings["recovery_init_sync_method"] = "syncfs";  // the restore has synced every file: docs/adr/0003
  return options;
}

Recovery recover(const Context& context, const SourceSide& source, double receiver_seconds) {
  const bool cold = backup::evict_from_page_cache(source.repository());
  auto order = order_for(context, source, context.workplace.restored());
  if (context.plan.scenario.restore.target.kind == scenario::TargetKind::immediate) {
    order.target.stop = restore::Stop::immediate;
  }

  RtoClock clock(receiver_seconds);
  clock.end_phases({{"detect", 0.0}});  // no step of this version's timelines comes after the loss
  context.step("restore.begin", "restore into an empty directory");
  auto options = quarantined(context, order.to, "restored");
  clock.end_phase("provision");
  const auto restored = restore::restore_files(order, context.observer.progress(context.plan.drill_id), context.stop);
  clock.end_phases({{"fetch", restored.fetch_seconds}, {"restore", restored.restore_seconds}});
  context.journal.append("restore.done", {{"label", restored.backup_label}, {"bytes", std::to_string(restored.bytes)}});

  context.step("recovery.begin", "recover, until a write is committed");
  const auto started = base::utc_now();
  auto target = server::Server::start(std::move(options));
  const auto milestones =
      restore::wait_until_writable(target, started, Deadline::after(context.plan.recovery_limit), context.stop);
  clock.end_recovery(milestones);
  context.journal.append("recovery.done", {{"replayed_lsn", milestones.replayed_lsn}});
  return {std::move(target), milestones, restored.backup_label, clock.started_at(), clock.phases(), cold};
}

SecondCopy restore_second_copy(const Context& context, const SourceSide& source,
                               const std::optional<reports::record::Mark>& mark) {
  context.step("examination.restore", "restore a second copy, to look at before its first start");
  auto order = order_for(context, source, context.workplace.examined());
  order.target.stop = mark ? restore::Stop::name : restore::Stop::immediate;
  order.target.value = mark ? mark->restore_point : "";
  order.target.action = restore::Action::pause;
  (void)restore::restore_files(order, context.observer.progress(context.plan.drill_id), context.stop);
  return {order.to};
}

server::Server start_second_copy(const Context& context, const SecondCopy& copy) {
  auto options = quarantined(context, copy.data_directory, "examined");
  // A standby refuses every query under a default of serializable; nothing judges this copy's settings.
  options.settings["default_transaction_isolation"] = "read committed";
  auto second = server::Server::start(std::move(options));
  restore::wait_until_paused(second, Deadline::after(context.plan.recovery_limit), context.stop);
  return second;
}

}  // namespace harness::drill
