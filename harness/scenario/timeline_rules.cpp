#include <fmt/format.h>

#include <map>

#include "harness/scenario/rules.hpp"
#include "harness/scenario/steps.hpp"
#include "harness/scenario/suggestion.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {
namespace {

void require_one_disaster(const Reader& reader, const Steps& steps, Position timeline) {
  const auto disaster = first_of<DisasterStep>(steps);
  if (disaster == nowhere) {
    reader.fail(timeline, "the timeline has no disaster, so there is nothing to recover from",
                "end it with \"- disaster: lose_server\"");
  }
  if (disaster + 1 == steps.size()) return;
  const auto& struck = std::get<DisasterStep>(steps[disaster].what);
  if (loses_server(struck)) {
    reader.fail(steps[disaster + 1].position,
                fmt::format("no step can follow the disaster {}: the server is gone", struck.kind),
                "move the step before the disaster, or remove it");
  }
  const auto second = first_of<DisasterStep>(steps, disaster + 1);
  if (second != nowhere) {
    reader.fail(steps[second].position,
                fmt::format("the timeline has a second disaster; the first is {} in line {}", struck.kind,
                            steps[disaster].position.line),
                "keep one of the two: a scenario recovers from one disaster");
  }
}

void require_backup_before_disaster(const Reader& reader, const Steps& steps) {
  const auto disaster = first_of<DisasterStep>(steps);
  const auto backup = first_of<BackupStep>(steps);
  if (backup == nowhere || backup > disaster) {
    reader.fail(steps[disaster].position, "no backup is taken before the disaster, so nothing can be restored",
                "add \"- backup: full\" before it");
  }
}

// PostgreSQL stops at the first restore point of a name, and each mark makes one.
void require_distinct_points(const Reader& reader, const Steps& steps) {
  struct Taken {
    int line;
    bool mark;
  };
  std::map<std::string, Taken> seen;
  for (const auto& step : steps) {
    const auto* const mark = std::get_if<MarkStep>(&step.what);
    const auto* const point = std::get_if<RestorePointStep>(&step.what);
    if (mark == nullptr && point == nullptr) continue;
    const auto& name = mark != nullptr ? mark->name : point->name;
    const auto [first, added] = seen.emplace(name, Taken{step.position.line, mark != nullptr});
    if (added || (mark == nullptr && !first->second.mark)) continue;
    reader.fail(step.position,
                fmt::format("the {} \"{}\" was already taken in line {}", first->second.mark ? "mark" : "restore point",
                            name, first->second.line),
                "give each mark a name of its own");
  }
}

void require_droppable_database(const Reader& reader, const Steps& steps, const Databases& databases) {
  const auto at = first_of<DisasterStep>(steps);
  const auto& disaster = std::get<DisasterStep>(steps[at].what);
  if (disaster.kind != "drop_database" || databases.names.empty()) return;
  if (std::find(databases.names.begin(), databases.names.end(), disaster.argument) == databases.names.end()) {
    reader.fail(
        steps[at].position, fmt::format("the dataset has no database \"{}\" to drop", disaster.argument),
        suggestion(disaster.argument, std::vector<std::string_view>(databases.names.begin(), databases.names.end())));
  }
  if (disaster.argument != databases.load) return;
  const bool loaded = load_runs_behind(steps, at) || first_of<LoadStep>(steps, at) != nowhere;
  if (loaded || first_of<MarkStep>(steps, at) != nowhere) {
    reader.fail(steps[at].position,
                fmt::format("the database {} cannot be dropped: {} it", disaster.argument,
                            loaded ? "the load goes on in" : "a mark is taken later in"),
                "end the load before the disaster and let no load or mark follow, or drop another database");
  }
}

}  // namespace

void require_sound_timeline(const Reader& reader, const Scenario& scenario, const Places& places,
                            const Databases& databases) {
  const auto& steps = scenario.timeline;
  require_one_disaster(reader, steps, places.timeline);
  require_backup_before_disaster(reader, steps);
  require_distinct_points(reader, steps);
  require_droppable_database(reader, steps, databases);
}

}  // namespace harness::scenario
