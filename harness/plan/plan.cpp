#include "harness/plan/plan.hpp"

#include <algorithm>

#include "backup_engine/base/utc_time.hpp"

namespace harness::plan {
namespace {

using scenario::Scenario;

// The hot-standby minimums and all that decides what a backup holds are spelt out, so that the report shows them and a
// restored server can be given the same.
std::map<std::string, std::string> server_settings_of(const Scenario& scenario, const std::string& slot) {
  constexpr unsigned connections_beside_writers = 20;  // probes, backup, marks, the tools
  const auto connections = std::max(100U, scenario.source.load.writers + connections_beside_writers);
  std::map<std::string, std::string> settings{
      {"archive_mode", "off"},
      {"autovacuum", "on"},
      {"checkpoint_timeout", "5min"},
      {"fsync", "on"},
      {"full_page_writes", "on"},
      {"log_checkpoints", "on"},
      {"log_timezone", "UTC"},
      {"max_connections", std::to_string(connections)},
      {"max_locks_per_transaction", "64"},
      {"max_prepared_transactions", "16"},
      {"max_replication_slots", "10"},
      {"max_slot_wal_keep_size", "8GB"},  // a receiver that stopped must not fill the disk
      {"max_wal_senders", "10"},
      {"max_worker_processes", "8"},
      {"shared_buffers", "128MB"},
      {"synchronous_commit", "on"},
      {"synchronous_standby_names", ""},
      {"timezone", "UTC"},
      {"track_commit_timestamp", "on"},
      {"wal_level", "replica"},
  };
  if (scenario.source.wal.by == scenario::WalTransport::archive) settings["archive_mode"] = "on";
  if (step_that_fills_disk(scenario) != nullptr) settings["max_wal_size"] = "128MB";  // half of wal_volume_bytes
  if (scenario.source.wal.synchronous) settings["synchronous_standby_names"] = slot;
  for (const auto& [name, value] : scenario.source.provision.settings) settings[name] = value;
  return settings;
}

}  // namespace

const scenario::Step* step_that_fills_disk(const Scenario& scenario) {
  for (const auto& step : scenario.timeline) {
    const auto* const disaster = std::get_if<scenario::DisasterStep>(&step.what);
    if (disaster != nullptr && disaster->kind == "fill_disk") return &step;
  }
  return nullptr;
}

namespace {

// A recovery that hangs must end; one that is merely slower than it was promised is to be measured.
std::chrono::seconds recovery_limit_for(const Scenario& scenario) {
  constexpr std::chrono::seconds least{600}, of_a_stored_backup{24 * 3600}, most{30 * 24 * 3600};
  constexpr double times_objective = 3;
  auto limit = scenario.source.stored ? of_a_stored_backup : least;
  const auto consider = [&](const scenario::Objectives& objectives) {
    if (!objectives.rto) return;
    limit = std::max(limit, std::chrono::duration_cast<std::chrono::seconds>(times_objective * *objectives.rto));
  };
  consider(scenario.objectives);
  for (const auto& [size, objectives] : scenario.objectives_by_size) consider(objectives);
  return std::min(limit, most);
}

}  // namespace

Plan make_plan(const Scenario& scenario, const Circumstances& circumstances) {
  const auto now = backup_engine::base::utc_now();
  Plan plan;
  const auto filled_for = circumstances.filled_for.empty() ? "" : "@" + circumstances.filled_for;
  plan.drill_id = scenario.name + filled_for + "/" + backup_engine::base::to_compact(now);
  plan.drill_directory = (std::filesystem::absolute(circumstances.out) / plan.drill_id).lexically_normal();
  plan.started_at = backup_engine::base::to_rfc3339(now);
  plan.scenario = scenario;
  plan.circumstances = circumstances;
  plan.recovery_limit = recovery_limit_for(scenario);
  if (scenario.source.stored) {
    plan.cluster = scenario.source.stored->cluster;
    plan.slot.clear();
  } else {
    plan.server_settings = server_settings_of(scenario, plan.slot);
  }
  return plan;
}

}  // namespace harness::plan
