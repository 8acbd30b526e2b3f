#include <fmt/format.h>

#include "harness/scenario/rules.hpp"
#include "harness/scenario/steps.hpp"
#include "harness/scenario/suggestion.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {
namespace {

const DisasterStep& disaster_at(const Steps& steps, std::size_t at) {
  return std::get<DisasterStep>(steps[at].what);
}

// The one that made the recovery necessary.
const DisasterStep& disaster_of(const Steps& steps) {
  return disaster_at(steps, first_harm(steps));
}

void require_kind_for_disaster(const Reader& reader, const Scenario& scenario, const RestorePlaces& places) {
  const auto& steps = scenario.timeline;
  const auto& restore = scenario.restore;
  const auto change = first_change(steps), end = server_end(steps);
  if (restore.kind == RestoreKind::full && change != nowhere) {
    reader.fail(
        places.kind,
        fmt::format("a full restore replays all WAL, and the disaster {} with it", disaster_at(steps, change).kind),
        "write \"kind: pitr\" with a target before the disaster, or \"kind: partial\"");
  }
  if (restore.kind != RestoreKind::partial || !restore.partial.database.empty()) return;
  if (end != nowhere) {
    reader.fail(places.selection,
                fmt::format("tables are restored into the server that lives on, and {} leaves none",
                            disaster_at(steps, end).kind),
                "write \"kind: full\" or \"kind: pitr\", restore a \"database\", or choose another disaster");
  }
  const auto& disaster = disaster_of(steps);
  if (disaster.kind == "drop_database") {
    reader.fail(places.selection,
                fmt::format("tables are restored into their database, and {} was dropped", disaster.argument),
                fmt::format("write \"database: {}\" instead", disaster.argument));
  }
}

void require_known_database(const Reader& reader, const Scenario& scenario, const RestorePlaces& places,
                            const Databases& databases) {
  const auto& name = scenario.restore.partial.database;
  if (name.empty() || databases.names.empty()) return;
  if (std::find(databases.names.begin(), databases.names.end(), name) != databases.names.end()) return;
  reader.fail(places.selection, fmt::format("the dataset has no database \"{}\"", name),
              suggestion(name, std::vector<std::string_view>(databases.names.begin(), databases.names.end())));
}

// What a sweep is judged by is the load's ledger.
void require_load_for_sweep(const Reader& reader, const Scenario& scenario, const RestorePlaces& places) {
  if (scenario.restore.kind != RestoreKind::pitr_sweep) return;
  const auto& steps = scenario.timeline;
  const auto backup = first_of<BackupStep>(steps);
  if (load_runs_behind(steps, backup) || first_of<LoadStep>(steps, backup) < first_harm(steps)) return;
  reader.fail(places.kind, "no transaction of the load lies between the first backup and the disaster to sweep over",
              "add \"- load: { for: 1s }\" between the two");
}

// Its prefixes are replayed from the first backup on, and every point that can be harmed lies behind that.
void require_whole_wal_for_sweep(const Reader& reader, const Scenario& scenario) {
  if (scenario.restore.kind != RestoreKind::pitr_sweep) return;
  for (const auto& step : scenario.timeline) {
    const auto* const disaster = std::get_if<DisasterStep>(&step.what);
    if (disaster == nullptr || !harms_segment(*disaster)) continue;
    reader.fail(step.position,
                fmt::format("{} cannot go with a sweep: that replays all WAL from the first backup on, and some of it "
                            "would be missing",
                            disaster->kind),
                "write \"kind: pitr\" or \"kind: full\", or remove the disaster");
  }
}

void require_target_for_action(const Reader& reader, const Restore& restore, const RestorePlaces& places) {
  if (restore.action == TargetAction::promote || restore.target.kind != TargetKind::end_of_wal) return;
  reader.fail(places.action, "the end of WAL is no target at which PostgreSQL could pause or shut down: it promotes",
              "remove \"action\", or choose another target");
}

// The points that a target of this kind can name.
std::vector<std::string_view> points_of(const Steps& steps, TargetKind kind) {
  std::vector<std::string_view> result;
  for (const auto& step : steps) {
    const auto* const mark = std::get_if<MarkStep>(&step.what);
    const auto* const point = std::get_if<RestorePointStep>(&step.what);
    if (mark != nullptr && kind != TargetKind::name) result.emplace_back(mark->name);
    if (point != nullptr && kind != TargetKind::mark) result.emplace_back(point->name);
  }
  const bool also_disaster = kind == TargetKind::time || kind == TargetKind::lsn || kind == TargetKind::xid;
  if (also_disaster && !loses_server(disaster_of(steps))) result.push_back(disaster_point);
  return result;
}

[[noreturn]] void refuse_unknown_point(const Reader& reader, const Steps& steps, const RestoreTarget& target,
                                       Position place) {
  const bool by_mark = target.kind == TargetKind::mark;
  if (by_mark && step_named<RestorePointStep>(steps, target.point) != nowhere) {
    reader.fail(place, fmt::format("\"{}\" is a restore point, not a mark", target.point),
                fmt::format("write {{ name: {} }}", target.point));
  }
  if (target.kind == TargetKind::name && step_named<MarkStep>(steps, target.point) != nowhere) {
    reader.fail(place, fmt::format("\"{}\" is a mark, not a restore point", target.point),
                fmt::format("write {{ mark: {} }}", target.point));
  }
  const bool by_name = target.kind == TargetKind::name;
  const auto* const what = by_mark ? "mark" : by_name ? "restore point" : "mark or restore point";
  const auto points = points_of(steps, target.kind);
  reader.fail(place, fmt::format("the timeline has no {} \"{}\"", what, target.point),
              points.empty() ? fmt::format("add \"- {}: NAME\" behind a backup, and name it here",
                                           by_name ? "restore_point" : "mark")
                             : suggestion(target.point, points));
}

// Where recovery stops must lie behind a backup, and before the harm.
void require_point_between(const Reader& reader, const Steps& steps, const RestoreTarget& target, Position place) {
  const auto disaster = first_harm(steps);
  const auto& harm = disaster_of(steps);
  if (target.point == disaster_point && loses_server(harm)) {
    reader.fail(place, fmt::format("the disaster {} leaves nothing in the WAL at which recovery could stop", harm.kind),
                "write \"target: end_of_wal\": that is how far a lost server can be brought back");
  }
  const auto at = step_of_point(steps, target);
  if (at == nowhere) refuse_unknown_point(reader, steps, target, place);
  const auto backup = first_of<BackupStep>(steps);
  if (at < backup) {
    reader.fail(place,
                fmt::format("\"{}\" in line {} comes before the end of the first backup, so no backup reaches it",
                            target.point, steps[at].position.line),
                "move it behind the backup, or take a backup before it");
  }
  if (at == disaster && target.inclusive) {
    reader.fail(place, fmt::format("an inclusive target at the disaster replays {} itself", harm.kind),
                "add \"inclusive: false\"");
  }
  // Its WAL marks the database as invalid and removes its files ahead of the commit record.
  if (at == disaster && harm.kind == "drop_database" && target.kind != TargetKind::lsn) {
    reader.fail(place,
                "DROP DATABASE removes the files before it commits: right before its commit they are gone already",
                "write { lsn: disaster, inclusive: false }, or choose a mark before the disaster");
  }
  if (at > disaster) {
    reader.fail(place,
                fmt::format("\"{}\" in line {} comes after the disaster, so {} would be replayed too", target.point,
                            steps[at].position.line, harm.kind),
                "choose a point before the disaster");
  }
}

// Recovery starts from the newest backup that comes before one of the restore points of that name, and stops at the
// first one behind it: with a backup in between that is not the first of all, and more would come back than is asked.
void require_one_restore_point(const Reader& reader, const Steps& steps, const RestoreTarget& target, Position place) {
  if (target.kind != TargetKind::name) return;
  const auto first = step_of_point(steps, target);
  auto backup = nowhere;
  for (auto i = first + 1; i < steps.size(); ++i) {
    if (is<BackupStep>(steps[i])) backup = i;
    const auto* const point = std::get_if<RestorePointStep>(&steps[i].what);
    if (point == nullptr || point->name != target.point || backup == nowhere) continue;
    reader.fail(
        place,
        fmt::format("\"{}\" is taken in line {} and, behind the backup of line {}, again in line {}: recovery "
                    "would start from that backup and stop at the later one",
                    target.point, steps[first].position.line, steps[backup].position.line, steps[i].position.line),
        "give the two restore points different names");
  }
}

// Its xid is that of the load's last transaction before the point, which must be one that a backup's WAL replays.
void require_transaction_before(const Reader& reader, const Steps& steps, const RestoreTarget& target, Position place) {
  if (target.kind != TargetKind::xid || target.point == disaster_point) return;
  const auto at = step_of_point(steps, target);
  const auto backup = first_of<BackupStep>(steps);
  if (load_runs_behind(steps, backup) || first_of<LoadStep>(steps, backup) < at) return;
  reader.fail(place,
              fmt::format("no transaction of the load lies between the first backup and \"{}\", so there is no xid",
                          target.point),
              "add \"- load: { for: 1s }\" between the two, or choose another kind of target");
}

void require_harm_left_out(const Reader& reader, const Steps& steps, const RestoreTarget& target, Position place) {
  const auto change = first_change(steps);
  if (change == nowhere) return;
  const auto& harm = disaster_at(steps, change);
  if (target.kind == TargetKind::end_of_wal) {
    reader.fail(place, fmt::format("recovery to the end of WAL replays the disaster {} too", harm.kind),
                "choose a point before the disaster, as { lsn: disaster, inclusive: false }");
  }
  if (target.kind == TargetKind::immediate && last_of<BackupStep>(steps) > change) {
    reader.fail(place, fmt::format("the last backup is taken after the disaster {} and holds its harm", harm.kind),
                "choose a point before the disaster, or take no backup after it");
  }
}

}  // namespace

RestoreTarget target_of_sweep(const std::vector<Step>& timeline) {
  if (first_change(timeline) == nowhere) return {};
  return {TargetKind::lsn, std::string(disaster_point), false};
}

void require_reachable_target(const Reader& reader, const Scenario& scenario, const Places& places,
                              const Databases& databases) {
  const auto& steps = scenario.timeline;
  const auto& target = scenario.restore.target;
  const auto place = places.restore.target;
  require_kind_for_disaster(reader, scenario, places.restore);
  require_known_database(reader, scenario, places.restore, databases);
  require_load_for_sweep(reader, scenario, places.restore);
  require_whole_wal_for_sweep(reader, scenario);
  require_target_for_action(reader, scenario.restore, places.restore);
  if (target.kind == TargetKind::end_of_wal || target.kind == TargetKind::immediate) {
    require_harm_left_out(reader, steps, target, place);
    return;
  }
  require_point_between(reader, steps, target, place);
  require_one_restore_point(reader, steps, target, place);
  require_transaction_before(reader, steps, target, place);
}

}  // namespace harness::scenario
