#include <fmt/format.h>

#include "backup_engine/base/quantity_text.hpp"
#include "harness/plan/plan.hpp"
#include "harness/plan/words.hpp"

namespace harness::plan {
namespace {

using namespace scenario;

std::string duration_text(Seconds seconds) {
  // Whole durations read better without decimals: "60 s" rather than "60.0 s".
  if (seconds < Seconds(1)) return fmt::format("{:g} ms", seconds.count() * 1000);
  if (seconds < Seconds(100)) return fmt::format("{:g} s", seconds.count());
  return backup_engine::base::seconds_text(seconds.count());
}

struct StepText {
  const LoadProfile& load;

  std::string operator()(const LoadStep& step) const {
    const auto rate = load.rate_per_second ? fmt::format("{:g} transactions a second", *load.rate_per_second)
                                           : std::string("as fast as it goes");
    return fmt::format("load: {} writers, {}, for {}{}", load.writers, rate, duration_text(step.duration),
                       step.keep_running ? ", then on behind the steps that follow" : "");
  }
  std::string operator()(const BackupStep& step) const { return fmt::format("backup: {}", to_string(step.type)); }
  std::string operator()(const MarkStep& step) const {
    return fmt::format("mark \"{}\": writers held, restore point and content digests taken", step.name);
  }
  std::string operator()(const RestorePointStep& step) const {
    return fmt::format("restore point \"{}\", while the load goes on", step.name);
  }
  std::string operator()(const DisasterStep& step) const {
    const auto argument = step.argument.empty() ? std::string() : " " + step.argument;
    const auto meaning = step.kind == "lose_server" ? " (SIGKILL, then the data directory is lost)" : "";
    return fmt::format("disaster: {}{}{}", step.kind, argument, meaning);
  }
};

std::string source_text(const Plan& plan) {
  const auto& provision = plan.scenario.source.provision;
  return fmt::format("provision a source: PostgreSQL {}, dataset {} at scale {}, page checksums {}, seed {}",
                     plan.circumstances.postgres_version, provision.dataset, provision.scale,
                     provision.checksums ? "on" : "off", plan.circumstances.seed);
}

std::string wal_text(const Plan& plan) {
  const auto& wal = plan.scenario.source.wal;
  return fmt::format("receive its WAL by {} through slot \"{}\", {}", word(wal.by), plan.slot,
                     wal.synchronous ? "synchronously: a commit waits until it is in the repository"
                                     : "asynchronously: what had not arrived is lost and counted");
}

std::string restore_text(const Restore& restore) {
  const auto* const target = restore.target.kind == TargetKind::end_of_wal ? "the end of the WAL in the repository"
                                                                           : "the last backup's own consistent point";
  return fmt::format("restore: {}, to {}", word(restore.kind), target);
}

std::string checks_text(const std::vector<CheckRequest>& checks) {
  std::string text = "verify:";
  for (const auto& check : checks) {
    text += fmt::format("{} {}", text.back() == ':' ? "" : ",", to_string(check.kind));
    if (check.kind == CheckKind::sql) text += fmt::format(" ({})", check.sql_file.filename().string());
  }
  return text;
}

std::string objectives_text(const Objectives& objectives) {
  return fmt::format("objectives: RTO {}, RPO {}", objectives.rto ? duration_text(*objectives.rto) : "none",
                     objectives.rpo ? duration_text(*objectives.rpo) : "none");
}

}  // namespace

std::string describe(const Plan& plan) {
  const auto& scenario = plan.scenario;
  std::vector<std::string> steps{source_text(plan), wal_text(plan)};
  for (const auto& step : scenario.timeline) steps.push_back(std::visit(StepText{scenario.source.load}, step.what));
  steps.push_back(restore_text(scenario.restore));
  steps.push_back(checks_text(scenario.verify));
  std::string text = fmt::format("{}: {}\n", scenario.name, scenario.claim);
  for (std::size_t i = 0; i < steps.size(); ++i) text += fmt::format("  {:2}. {}\n", i + 1, steps[i]);
  text +=
      fmt::format("  {}\n  drill directory: {}\n", objectives_text(scenario.objectives), plan.drill_directory.string());
  return text;
}

}  // namespace harness::plan
