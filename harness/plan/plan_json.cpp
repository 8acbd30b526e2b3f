#include <cmath>
#include <nlohmann/json.hpp>

#include "backup_engine/base/error.hpp"
#include "harness/plan/plan.hpp"
#include "harness/plan/words.hpp"
#include "harness/scenario/described_target.hpp"

namespace harness::plan {
namespace {

using Json = nlohmann::ordered_json;
using namespace scenario;

Json seconds_or_null(const std::optional<Seconds>& seconds) {
  return seconds ? Json(seconds->count()) : Json(nullptr);
}

struct StepJson {
  Json operator()(const LoadStep& step) const {
    return {{"step", "load"}, {"seconds", step.duration.count()}, {"keep_running", step.keep_running}};
  }
  Json operator()(const BackupStep& step) const {
    return {{"step", "backup"}, {"type", to_string(step.type)}, {"by", word(step.by)}};
  }
  Json operator()(const MarkStep& step) const { return {{"step", "mark"}, {"name", step.name}}; }
  Json operator()(const RestorePointStep& step) const { return {{"step", "restore_point"}, {"name", step.name}}; }
  Json operator()(const DisasterStep& step) const {
    return {{"step", "disaster"},
            {"kind", step.kind},
            {"argument", step.argument},
            {"checksum", step.kind != "corrupt_page" ? Json(nullptr)
                         : step.checksum_recomputed  ? Json("recomputed")
                                                     : Json("stale")},
            {"newest_backups", step.newest_backups}};
  }
};

Json stored_json(const StoredBackup& stored) {
  return {{"repository", stored.location},
          {"cluster", stored.cluster},
          {"backup", stored.label.empty() ? Json(nullptr) : Json(stored.label)},
          {"key_file", stored.key_file.string()},
          {"database", stored.database},
          {"superuser", stored.superuser}};
}

Json source_json(const Source& source) {
  if (source.stored) {
    return {{"provision", nullptr}, {"load", nullptr}, {"wal", nullptr}, {"stored", stored_json(*source.stored)}};
  }
  const auto& provision = source.provision;
  return {{"provision",
           {{"dataset", provision.dataset},
            {"scale", provision.scale},
            {"checksums", provision.checksums},
            {"postgres", provision.postgres ? Json(*provision.postgres) : Json(nullptr)},
            {"settings", provision.settings}}},
          {"load",
           {{"writers", source.load.writers},
            {"rate_per_second", source.load.rate_per_second ? Json(*source.load.rate_per_second) : Json(nullptr)}}},
          {"wal", {{"by", word(source.wal.by)}, {"synchronous", source.wal.synchronous}}},
          {"stored", nullptr}};
}

Json partial_json(const PartialRestore& partial) {
  return {{"tables", partial.tables}, {"schema", partial.schema},        {"database", partial.database},
          {"where", partial.where},   {"into", word(partial.placement)}, {"suffix", partial.suffix}};
}

Json restore_json(const Restore& restore, const std::optional<std::string>& judged_at) {
  return {
      {"kind", word(restore.kind)},
      {"target",
       {{"kind", word(restore.target.kind)}, {"point", restore.target.point}, {"inclusive", restore.target.inclusive}}},
      {"action", word(restore.action)},
      {"expect",
       {{"outcome", restore.expected_refusal.empty() ? "recovered" : "refused"}, {"reason", restore.expected_refusal}}},
      {"in_place", restore.in_place},
      {"roll_back", restore.roll_back},
      {"points", restore.kind == RestoreKind::pitr_sweep ? Json(restore.points) : Json(nullptr)},
      {"struck_by", restore.struck_by ? Json(word(*restore.struck_by)) : Json(nullptr)},
      {"partial", restore.kind == RestoreKind::partial ? partial_json(restore.partial) : Json(nullptr)},
      {"judged_at_mark", judged_at ? Json(*judged_at) : Json(nullptr)}};
}

Json objectives_json(const Scenario& scenario) {
  const auto of = [](const Objectives& objectives) -> Json {
    return {{"rto_seconds", seconds_or_null(objectives.rto)}, {"rpo_seconds", seconds_or_null(objectives.rpo)}};
  };
  auto json = of(scenario.objectives);
  json["by_size"] = Json::object();
  for (const auto& [size, objectives] : scenario.objectives_by_size) json["by_size"][to_string(size)] = of(objectives);
  json["at_size_bytes"] = scenario.extrapolate_to_bytes;
  return json;
}

Json scenario_json(const Scenario& scenario) {
  Json timeline = Json::array(), checks = Json::array();
  for (const auto& step : scenario.timeline) timeline.push_back(std::visit(StepJson{}, step.what));
  for (const auto& check : scenario.verify) {
    checks.push_back({{"check", to_string(check.kind)}, {"sql_file", check.sql_file.string()}});
  }
  return {{"file", scenario.file.string()},
          {"name", scenario.name},
          {"claim", scenario.claim},
          {"digest", scenario.digest},
          {"variables", scenario.variables},
          {"source", source_json(scenario.source)},
          {"repository", {{"encrypted", scenario.repository.encrypted}}},
          {"timeline", std::move(timeline)},
          {"restore", restore_json(scenario.restore, mark_describing_target(scenario))},
          {"repeat", scenario.repeat},
          {"verify", std::move(checks)},
          {"prove", scenario.prove},
          {"objectives", objectives_json(scenario)}};
}

Json circumstances_json(const Circumstances& here) {
  return {{"out", here.out.string()},
          {"work_directory", here.work_directory.string()},
          {"fixtures", here.fixtures.string()},
          {"lifeboat", here.lifeboat.string()},
          {"postgres_bin_directory", here.postgres_bin_directory.string()},
          {"postgres_version", here.postgres_version},
          {"run_as", here.run_as},
          {"reason", here.reason},
          {"filled_for", here.filled_for},
          {"keep", word(here.keep)},
          {"jobs", here.jobs},
          {"concurrent_drills", here.concurrent_drills},
          {"obstacle",
           here.obstacle ? Json{{"what", here.obstacle->what}, {"remedy", here.obstacle->remedy}} : Json(nullptr)}};
}

}  // namespace

std::string to_json(const Plan& plan) {
  const Json json{{"schema_version", plan_schema_version},
                  {"drill_id", plan.drill_id},
                  {"drill_directory", plan.drill_directory.string()},
                  {"started_at", plan.started_at},
                  {"seed", plan.circumstances.seed},
                  {"scenario", scenario_json(plan.scenario)},
                  {"circumstances", circumstances_json(plan.circumstances)},
                  {"cluster", plan.cluster},
                  {"slot", plan.slot},
                  {"server_settings", plan.server_settings},
                  {"limits",
                   {{"server_start_seconds", plan.server_start_limit.count()},
                    {"recovery_seconds", plan.recovery_limit.count()},
                    {"backup_seconds", plan.backup_limit.count()}}}};
  return json.dump(2) + "\n";
}

scenario::Variables variables_of_plan(const std::string& json) {
  try {
    scenario::Variables result;
    // Plans that were written before there were variables have none.
    const auto plan = Json::parse(json);
    const auto values = plan.value("scenario", Json::object()).value("variables", Json::object());
    for (const auto& [name, value] : values.items()) result.values.emplace(name, value.get<std::string>());
    return result;
  } catch (const Json::exception& error) {
    using namespace backup_engine::base;
    throw Error(ErrorKind::corrupt, std::string("plan.json cannot be read: ") + error.what())
        .with_remedy("judge the drill directory as the drill left it");
  }
}

}  // namespace harness::plan
