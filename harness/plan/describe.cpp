#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/quantity_text.hpp"
#include "harness/plan/plan.hpp"
#include "harness/plan/words.hpp"
#include "harness/scenario/described_target.hpp"

namespace harness::plan {
namespace {

using namespace scenario;

std::string duration_text(Seconds seconds) {
  // Whole durations read better without decimals: "60 s" rather than "60.0 s".
  if (seconds < Seconds(1)) return fmt::format("{:g} ms", seconds.count() * 1000);
  if (seconds < Seconds(100)) return fmt::format("{:g} s", seconds.count());
  return backup_engine::base::seconds_text(seconds.count());
}

std::string disaster_text(const DisasterStep& step) {
  if (step.kind == "lose_server") return "lose_server (SIGKILL, then the data directory is lost)";
  if (step.kind == "update_rows") return fmt::format("update_rows: UPDATE {}, without a WHERE", step.argument);
  if (step.kind == "delete_rows") return fmt::format("delete_rows: DELETE FROM {}, without a WHERE", step.argument);
  if (step.kind == "kill_server") return "kill_server (SIGKILL; the data directory stays)";
  if (step.kind == "fill_disk")
    return "fill_disk (nothing fits on the disk of its WAL any more; PostgreSQL ends itself)";
  if (step.kind == "encrypt_files") {
    return fmt::format("encrypt_files (SIGKILL, then each file of the data directory becomes ciphertext{})",
                       step.newest_backups == 0
                           ? ""
                           : fmt::format("; of the repository the newest backups too, {}", step.newest_backups));
  }
  if (step.kind == "corrupt_page") {
    return fmt::format("corrupt_page {} (SIGKILL, then a bit of a page flips, its checksum {})", step.argument,
                       step.checksum_recomputed ? "made to match" : "stale");
  }
  if (step.kind == "lose_file" || step.kind == "truncate_file") {
    return fmt::format("{} (SIGKILL, then the file of {} is {})", step.kind, step.argument,
                       step.kind == "lose_file" ? "gone" : "cut in half");
  }
  if (step.kind == "lose_segment" || step.kind == "damage_segment") {
    return fmt::format("{}, in the repository: the WAL that holds \"{}\"", step.kind, step.argument);
  }
  if (step.kind == "interrupt_backup") {
    return fmt::format("interrupt_backup (a {} backup, SIGKILL in mid-copy)", step.argument);
  }
  if (step.kind == "fail_over") {
    return "fail_over (SIGKILL and the data directory lost; a synchronous standby is promoted and goes on)";
  }
  if (step.kind == "lose_key") return "lose_key (the repository's key file)";
  if (step.argument.empty()) return step.kind;
  return fmt::format("{} {}", step.kind, step.argument);
}

struct StepText {
  const LoadProfile& load;

  std::string operator()(const LoadStep& step) const {
    const auto rate = load.rate_per_second ? fmt::format("{:g} transactions a second", *load.rate_per_second)
                                           : std::string("as fast as it goes");
    return fmt::format("load: {} writers, {}, for {}{}", load.writers, rate, duration_text(step.duration),
                       step.keep_running ? ", then on behind the steps that follow" : "");
  }
  std::string operator()(const BackupStep& step) const {
    return fmt::format(
        "backup: {}, {}", to_string(step.type),
        step.by == BackupMethod::files ? "by reading the data directory" : "streamed over a replication connection");
  }
  std::string operator()(const MarkStep& step) const {
    return fmt::format("mark \"{}\": writers held, restore point and content digests taken", step.name);
  }
  std::string operator()(const RestorePointStep& step) const {
    return fmt::format("restore point \"{}\", while the load goes on", step.name);
  }
  std::string operator()(const DisasterStep& step) const { return "disaster: " + disaster_text(step); }
};

std::string stored_text(const StoredBackup& stored, const std::string& version) {
  return fmt::format("take {} of the cluster {} in {}{}, which Lifeboat did not make; PostgreSQL {}",
                     stored.label.empty() ? "the newest backup" : stored.label, stored.cluster, stored.location,
                     stored.key_file.empty() ? "" : fmt::format(", opened with {}", stored.key_file.string()), version);
}

std::string source_text(const Plan& plan) {
  const auto& provision = plan.scenario.source.provision;
  return fmt::format("provision a source: PostgreSQL {}, dataset {} at scale {}, page checksums {}, seed {}{}",
                     plan.circumstances.postgres_version, provision.dataset, provision.scale,
                     provision.checksums ? "on" : "off", plan.circumstances.seed,
                     step_that_fills_disk(plan.scenario) != nullptr
                         ? fmt::format("; its WAL on a file system of its own in memory, {}",
                                       backup_engine::base::bytes_text(wal_volume_bytes))
                         : "");
}

std::string wal_text(const Plan& plan) {
  const auto& wal = plan.scenario.source.wal;
  if (wal.by == scenario::WalTransport::archive) {
    return "let it archive its WAL by archive_command, a segment at a time: the one not ended is lost and counted";
  }
  return fmt::format("receive its WAL by {} through slot \"{}\", {}", word(wal.by), plan.slot,
                     wal.synchronous ? "synchronously: a commit waits until it is in the repository"
                                     : "asynchronously: what had not arrived is lost and counted");
}

// The end of WAL and the backup's own point are told alike, whoever made the backup.
std::string value_text(const RestoreTarget& target) {
  const auto* const including = target.inclusive ? "including it" : "just before it";
  if (target.kind == TargetKind::name) return fmt::format("the first restore point \"{}\"", target.point);
  return fmt::format("{} {}, {}", target.kind == TargetKind::xid ? "transaction" : word(target.kind), target.point,
                     including);
}

std::string point_text(const RestoreTarget& target) {
  const auto* const including = target.inclusive ? "including it" : "just before it";
  const auto of = target.point == disaster_point ? std::string("the disaster") : fmt::format("\"{}\"", target.point);
  switch (target.kind) {
    case TargetKind::end_of_wal:
      return "the end of the WAL in the repository";
    case TargetKind::immediate:
      return "the last backup's own consistent point";
    case TargetKind::mark:
      return fmt::format("the mark {}", of);
    case TargetKind::name:
      return fmt::format("the first restore point {}", of);
    case TargetKind::time:
      return fmt::format("the time of {}, {}", of, including);
    case TargetKind::lsn:
      return fmt::format("the LSN of {}, {}", of, including);
    case TargetKind::xid:
      break;
  }
  return target.point == disaster_point ? fmt::format("the transaction of the disaster, {}", including)
                                        : fmt::format("the last transaction acknowledged before {}, {}", of, including);
}

std::string partial_text(const PartialRestore& partial) {
  if (!partial.database.empty()) return fmt::format("database {} alone, into a new server", partial.database);
  const auto rows = partial.where.empty() ? std::string() : fmt::format(" (rows WHERE {})", partial.where);
  const auto what = partial.schema.empty() ? fmt::format("{}{}", fmt::join(partial.tables, ", "), rows)
                                           : fmt::format("schema {}", partial.schema);
  const auto where = partial.placement == Placement::replace
                         ? std::string("in place of what is there")
                         : fmt::format("beside what is there, as NAME_{}", partial.suffix);
  return fmt::format("{}, into the living source, {}", what, where);
}

bool is_content_judged(const Scenario& scenario) {
  return std::any_of(scenario.verify.begin(), scenario.verify.end(),
                     [](const CheckRequest& check) { return check.kind == CheckKind::content; });
}

std::string restore_text(const Scenario& scenario) {
  const auto& restore = scenario.restore;
  auto text = fmt::format("restore: {}", word(restore.kind));
  if (restore.kind == RestoreKind::partial) text += fmt::format(", {}", partial_text(restore.partial));
  const bool by_value = scenario.source.stored && !restore.target.point.empty();
  text += fmt::format(", to {}", by_value ? value_text(restore.target) : point_text(restore.target));
  if (restore.kind == RestoreKind::pitr) text += fmt::format(", then {}", word(restore.action));
  if (restore.struck_by) {
    text += *restore.struck_by == SecondDisaster::kill_server
                ? "; while it recovers the server is killed, and the restore is begun again"
                : "; half-way the restore is killed, and begun again";
  }
  if (!restore.expected_refusal.empty()) {
    text += fmt::format("; it must be refused: {}", restore.expected_refusal);
  }
  if (restore.in_place) text += ", in place of the source, whose cluster is set aside";
  if (restore.roll_back) text += "; it is put back once what was restored is judged, and judged itself";
  if (restore.kind == RestoreKind::pitr_sweep) {
    text += fmt::format(
        ", then {} points of the WAL one after another in one recovery, and each kind of target around "
        "commits of their own",
        restore.points);
  }
  const auto mark = mark_describing_target(scenario);
  if (mark && is_content_judged(scenario)) text += fmt::format("; content is judged at mark \"{}\"", *mark);
  if (scenario.repeat > 1) text += fmt::format("; {} times for the clock, the last is examined", scenario.repeat);
  return text;
}

std::string checks_text(const std::vector<CheckRequest>& checks) {
  if (checks.empty()) return "verify: the outcome alone; nothing is to come back";
  std::string text = "verify:";
  for (const auto& check : checks) {
    text += fmt::format("{} {}", text.back() == ':' ? "" : ",", to_string(check.kind));
    if (check.kind == CheckKind::sql) text += fmt::format(" ({})", check.sql_file.filename().string());
  }
  return text;
}

std::string objectives_text(const Objectives& objectives) {
  return fmt::format("RTO {}, RPO {}", objectives.rto ? duration_text(*objectives.rto) : "none",
                     objectives.rpo ? duration_text(*objectives.rpo) : "none");
}

std::string objectives_text(const Scenario& scenario) {
  auto text = "objectives: " + objectives_text(scenario.objectives);
  for (const auto& [size, objectives] : scenario.objectives_by_size) {
    text += fmt::format("; {}: {}", to_string(size), objectives_text(objectives));
  }
  for (const auto bytes : scenario.extrapolate_to_bytes) {
    text += fmt::format("; RTO extrapolated to {}, not judged", backup_engine::base::bytes_text(bytes));
  }
  return text;
}

}  // namespace

std::string describe(const Plan& plan) {
  const auto& scenario = plan.scenario;
  const auto& stored = scenario.source.stored;
  auto steps = stored ? std::vector{stored_text(*stored, plan.circumstances.postgres_version)}
                      : std::vector{source_text(plan), wal_text(plan)};
  if (scenario.repository.encrypted) steps.emplace_back("make an encrypted repository, and a key file for it");
  for (const auto& step : scenario.timeline) steps.push_back(std::visit(StepText{scenario.source.load}, step.what));
  steps.push_back(restore_text(scenario));
  steps.push_back(checks_text(scenario.verify));
  if (scenario.prove) steps.emplace_back("prove that these checks can fail: sabotage one more copy, and judge it");
  const auto& cluster = plan.circumstances.filled_for;
  auto text = fmt::format("{}{}{}: {}\n", scenario.name, cluster.empty() ? "" : "@", cluster, scenario.claim);
  for (std::size_t i = 0; i < steps.size(); ++i) text += fmt::format("  {:2}. {}\n", i + 1, steps[i]);
  text += fmt::format("  {}\n  drill directory: {}\n", objectives_text(scenario), plan.drill_directory.string());
  if (const auto& obstacle = plan.circumstances.obstacle) {
    text += fmt::format("  not to be begun on this machine: {}\n  what to do: {}\n", obstacle->what, obstacle->remedy);
  }
  return text;
}

}  // namespace harness::plan
