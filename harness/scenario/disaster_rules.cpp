#include <fmt/format.h>

#include "harness/scenario/disaster_kinds.hpp"
#include "harness/scenario/rules.hpp"
#include "harness/scenario/steps.hpp"
#include "harness/scenario/suggestion.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {
namespace {

const DisasterStep* disaster_in(const Step& step) {
  return std::get_if<DisasterStep>(&step.what);
}

void require_harm(const Reader& reader, const Steps& steps, Position timeline) {
  if (first_harm(steps) != nowhere) return;
  const auto first = first_of<DisasterStep>(steps);
  if (first == nowhere) {
    reader.fail(timeline, "the timeline has no disaster, so there is nothing to recover from",
                "end it with \"- disaster: lose_server\"");
  }
  reader.fail(steps[first].position,
              fmt::format("{} leaves the source as it is, so there is nothing to recover from",
                          disaster_in(steps[first])->kind),
              "add a disaster that ends the source or changes its data, as \"- disaster: lose_server\"");
}

void require_nothing_behind_the_end(const Reader& reader, const Steps& steps) {
  const auto end = server_end(steps);
  if (end == nowhere) return;
  for (auto i = end + 1; i < steps.size(); ++i) {
    const auto* const next = disaster_in(steps[i]);
    if (next != nullptr && !strikes_living_source(next->kind)) continue;
    reader.fail(steps[i].position,
                fmt::format("{} can follow the disaster {}: the server is gone",
                            next == nullptr ? "no step" : "no " + next->kind, disaster_in(steps[end])->kind),
                "move the step before the disaster, or remove it");
  }
}

// What waits until WAL is in the repository would wait in vain.
void require_archiving(const Reader& reader, const Scenario& scenario) {
  const Step* broken = nullptr;
  for (const auto& step : scenario.timeline) {
    const auto* const disaster = disaster_in(step);
    const auto effect = disaster == nullptr ? std::nullopt : effect_of(disaster->kind);
    if (effect == Effect::stops_archiving && scenario.source.wal.synchronous) {
      reader.fail(step.position, "with a synchronous repository every commit would wait until archiving is mended",
                  "say synchronous: false below source.wal");
    }
    if (effect == Effect::ends_server && broken != nullptr) return;
    if (effect == Effect::stops_archiving && broken == nullptr) {
      broken = &step;
    } else if (effect == Effect::resumes_archiving && broken != nullptr) {
      broken = nullptr;
    } else if (effect == Effect::stops_archiving || effect == Effect::resumes_archiving) {
      reader.fail(step.position, fmt::format("archiving is {} here already", broken != nullptr ? "broken" : "whole"),
                  "remove the step");
    } else if (broken != nullptr && (is<MarkStep>(step) || is<BackupStep>(step) || disaster != nullptr)) {
      reader.fail(
          step.position,
          fmt::format("this step waits until its WAL is in the repository, and archiving is broken since line {}",
                      broken->position.line),
          "put \"- disaster: mend_archiving\" before it");
    }
  }
  if (broken == nullptr) return;
  reader.fail(broken->position, "archiving is never mended, and the source lives on: its last WAL would never arrive",
              "add \"- disaster: mend_archiving\", or end the source");
}

// The WAL that holds the point is harmed, so the point must be there, and in WAL that a recovery needs.
void require_point_of_segment(const Reader& reader, const Steps& steps, std::size_t at) {
  const auto& disaster = *disaster_in(steps[at]);
  if (!harms_segment(disaster)) return;
  std::vector<std::string_view> points;
  for (auto i = first_of<BackupStep>(steps); i < at; ++i) {
    const auto* const mark = std::get_if<MarkStep>(&steps[i].what);
    const auto* const point = std::get_if<RestorePointStep>(&steps[i].what);
    if (mark == nullptr && point == nullptr) continue;
    points.emplace_back(mark != nullptr ? mark->name : point->name);
    const auto left = next_failover(steps, i);
    if (points.back() != disaster.argument || left >= at) continue;
    reader.fail(
        steps[at].position,
        fmt::format("the WAL that holds \"{}\" is of the timeline that was left in line {}, and only that of the "
                    "source's own timeline can be harmed",
                    disaster.argument, steps[left].position.line),
        "put it before the failover, or name a point behind that");
  }
  if (std::find(points.begin(), points.end(), disaster.argument) != points.end()) return;
  reader.fail(
      steps[at].position,
      fmt::format("{} harms the WAL that holds \"{}\", and between the first backup and the disaster there is no "
                  "mark or restore point of this name",
                  disaster.kind, disaster.argument),
      points.empty() ? "add \"- restore_point: NAME\" behind a backup, and name it here"
                     : suggestion(disaster.argument, points));
}

// Gone, it cannot be damaged, and a byte that is changed twice may be whole again.
void require_segment_harmed_once(const Reader& reader, const Steps& steps, std::size_t at) {
  const auto& disaster = *disaster_in(steps[at]);
  if (!harms_segment(disaster)) return;
  for (std::size_t i = 0; i < at; ++i) {
    const auto* const earlier = disaster_in(steps[i]);
    if (earlier == nullptr || !harms_segment(*earlier) || earlier->argument != disaster.argument) continue;
    reader.fail(steps[at].position,
                fmt::format("the WAL that holds \"{}\" is harmed in line {} already", disaster.argument,
                            steps[i].position.line),
                "remove one of the two, or name another point");
  }
}

void require_key_to_lose(const Reader& reader, const Scenario& scenario, const Step& step) {
  if (disaster_in(step)->kind != "lose_key" || scenario.repository.encrypted) return;
  reader.fail(step.position, "the drill's repository has no key that could be lost: it is in the clear",
              "add \"repository: { encrypted: true }\"");
}

// A backup's own point is where recovery stops, and which backup is left to take, nobody said beforehand.
void require_known_backup(const Reader& reader, const Scenario& scenario, const Step& step) {
  if (disaster_in(step)->newest_backups == 0 || scenario.restore.target.kind != TargetKind::immediate) return;
  reader.fail(step.position, "which backup's own point is meant is not known where the newest ones are lost",
              "choose another target, or \"newest_backups: 0\"");
}

// While archiving is broken no backup could even begin; that rule refuses it already. The first must be a full one.
void require_backup_to_rest_on(const Reader& reader, const Steps& steps, std::size_t at) {
  const auto& disaster = *disaster_in(steps[at]);
  if (disaster.kind != "interrupt_backup" || disaster.argument == to_string(BackupType::full)) return;
  if (first_of<BackupStep>(steps) < at) return;
  reader.fail(steps[at].position, fmt::format("the {} backup that is interrupted rests on none", disaster.argument),
              "write \"interrupt_backup: full\", or take a backup before it");
}

}  // namespace

void require_strikable_restore(const Reader& reader, const Scenario& scenario, const RestorePlaces& places) {
  const auto& restore = scenario.restore;
  if (!restore.struck_by) return;
  if (scenario.source.stored) {
    reader.fail(places.struck_by, "the restore of a stored backup is not struck: its repository may be in use",
                "remove \"struck_by\", or let Lifeboat provision the source");
  }
  if (scenario.repeat > 1) {
    reader.fail(places.struck_by,
                "a restore that is repeated is measured, and one that is struck is not like the others",
                "remove \"struck_by\" or \"repeat\"");
  }
  if (restore.in_place) {
    reader.fail(places.struck_by, "a restore in place is not struck: the source's own cluster is at stake",
                "remove \"struck_by\" or \"in_place\"");
  }
  if (restore.kind == RestoreKind::partial && restore.partial.database.empty()) {
    reader.fail(places.struck_by, "tables are restored into the living source, and \"struck_by\" strikes a new server",
                "remove \"struck_by\", or restore into a new server");
  }
  if (!restore.expected_refusal.empty()) {
    reader.fail(places.struck_by, "what is refused does not run, so nothing can strike meanwhile",
                "remove \"struck_by\" or \"expect\"");
  }
}

void require_sound_disasters(const Reader& reader, const Scenario& scenario, Position timeline) {
  const auto& steps = scenario.timeline;
  require_harm(reader, steps, timeline);
  require_nothing_behind_the_end(reader, steps);
  require_archiving(reader, scenario);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (disaster_in(steps[i]) == nullptr) continue;
    require_point_of_segment(reader, steps, i);
    require_segment_harmed_once(reader, steps, i);
    require_backup_to_rest_on(reader, steps, i);
    require_key_to_lose(reader, scenario, steps[i]);
    require_known_backup(reader, scenario, steps[i]);
  }
}

}  // namespace harness::scenario
