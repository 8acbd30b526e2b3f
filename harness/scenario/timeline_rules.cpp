#include "harness/scenario/timeline_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {
namespace {

using Steps = std::vector<Step>;
constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

template <typename Kind>
bool is(const Step& step) {
  return std::holds_alternative<Kind>(step.what);
}

template <typename Kind>
std::size_t first_of(const Steps& steps) {
  const auto found = std::find_if(steps.begin(), steps.end(), is<Kind>);
  return found == steps.end() ? nowhere : static_cast<std::size_t>(found - steps.begin());
}

template <typename Kind>
std::size_t last_of(const Steps& steps) {
  const auto found = std::find_if(steps.rbegin(), steps.rend(), is<Kind>);
  return found == steps.rend() ? nowhere : static_cast<std::size_t>(steps.rend() - found) - 1;
}

void require_one_disaster_at_the_end(const Reader& reader, const Steps& steps, Position timeline) {
  const auto disaster = first_of<DisasterStep>(steps);
  if (disaster == nowhere) {
    reader.fail(timeline, "the timeline has no disaster, so there is nothing to recover from",
                "end it with \"- disaster: lose_server\"");
  }
  if (disaster + 1 < steps.size()) {
    reader.fail(steps[disaster + 1].position,
                fmt::format("no step can follow the disaster {}: the server is gone",
                            std::get<DisasterStep>(steps[disaster].what).kind),
                "move the step before the disaster, or remove it");
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

void require_distinct_marks(const Reader& reader, const Steps& steps) {
  std::map<std::string, Position> seen;
  for (const auto& step : steps) {
    const auto* const mark = std::get_if<MarkStep>(&step.what);
    if (mark == nullptr) continue;
    const auto [first, added] = seen.emplace(mark->name, step.position);
    if (!added) {
      reader.fail(step.position,
                  fmt::format("the mark \"{}\" was already taken in line {}", mark->name, first->second.line),
                  "give each mark a name of its own");
    }
  }
}

// A load that goes on behind the steps before `end`, begun by the last load step before it.
bool load_runs_behind(const Steps& steps, std::size_t end) {
  bool running = false;
  for (std::size_t i = 0; i < end; ++i) {
    if (const auto* const load = std::get_if<LoadStep>(&steps[i].what)) running = load->keep_running;
  }
  return running;
}

// Full to the end of WAL: what came after the mark is replayed too, so the mark may stand anywhere behind the backup
// that is restored, the last one; recovery cannot stop before it.
bool mark_describes_end_of_wal(const Steps& steps) {
  const auto backup = last_of<BackupStep>(steps);
  return std::any_of(steps.begin() + static_cast<std::ptrdiff_t>(backup), steps.end(), is<MarkStep>);
}

// The backup's own consistent point is its end: only a mark with nothing written between the two describes it.
bool mark_describes_last_backup(const Steps& steps) {
  const auto backup = last_of<BackupStep>(steps);
  return backup > 0 && is<MarkStep>(steps[backup - 1]) && !load_runs_behind(steps, backup);
}

void require_described_target(const Reader& reader, const Scenario& scenario, CheckKind check, Position position) {
  const auto name = to_string(check);
  if (scenario.restore.target.kind == TargetKind::end_of_wal && !mark_describes_end_of_wal(scenario.timeline)) {
    reader.fail(position, fmt::format("no mark says what the check {} must find at the end of WAL", name),
                "add \"- mark: NAME\" between the last backup and the disaster, or leave the check out");
  }
  if (scenario.restore.target.kind == TargetKind::immediate && !mark_describes_last_backup(scenario.timeline)) {
    reader.fail(
        position, fmt::format("no mark says what the check {} must find at the backup's own point", name),
        "put \"- mark: NAME\" directly before the last backup, with no load running (keep_running) from the mark to "
        "the backup's end, or leave the check out");
  }
}

void require_loaded(const Reader& reader, const Steps& steps, Position position) {
  if (first_of<LoadStep>(steps) != nowhere) return;
  reader.fail(position, "the check ledger has nothing to judge: the timeline has no load",
              "add \"- load: { for: 1s }\" to the timeline, or leave the check out");
}

}  // namespace

void require_sound_timeline(const Reader& reader, const Scenario& scenario, const Places& places) {
  const auto& steps = scenario.timeline;
  require_one_disaster_at_the_end(reader, steps, places.timeline);
  require_backup_before_disaster(reader, steps);
  require_distinct_marks(reader, steps);
  for (std::size_t i = 0; i < scenario.verify.size(); ++i) {
    const auto check = scenario.verify[i].kind;
    if (check == CheckKind::ledger) require_loaded(reader, steps, places.checks[i]);
    if (check == CheckKind::content || check == CheckKind::catalog || check == CheckKind::settings) {
      require_described_target(reader, scenario, check, places.checks[i]);
    }
  }
}

}  // namespace harness::scenario
