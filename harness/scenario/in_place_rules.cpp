#include <fmt/format.h>

#include "harness/scenario/rules.hpp"
#include "harness/scenario/steps.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {
namespace {

// The cluster that is set aside must be there, and whole.
void require_cluster_to_set_aside(const Reader& reader, const Steps& steps, Position position) {
  for (const auto& step : steps) {
    const auto* const disaster = std::get_if<DisasterStep>(&step.what);
    if (disaster == nullptr || !loses_server(*disaster) || disaster->kind == "kill_server") continue;
    reader.fail(
        position,
        fmt::format("the disaster {} leaves no whole cluster that a restore in place could set aside", disaster->kind),
        "remove \"in_place\", or choose another disaster");
  }
}

// What it held is looked at while it still runs.
void require_living_source(const Reader& reader, const Steps& steps, Position position) {
  for (const auto& step : steps) {
    const auto* const disaster = std::get_if<DisasterStep>(&step.what);
    if (disaster == nullptr || !loses_server(*disaster)) continue;
    reader.fail(position,
                fmt::format("what the roll-back must bring back is looked at in the running source, and {} ends it",
                            disaster->kind),
                "remove \"roll_back\", or choose another disaster");
  }
}

}  // namespace

void require_restore_in_place(const Reader& reader, const Scenario& scenario, const RestorePlaces& places) {
  const auto& restore = scenario.restore;
  if (restore.roll_back && !restore.in_place) {
    reader.fail(places.roll_back, "only a restore in place can be rolled back", "add \"in_place: true\"");
  }
  if (!restore.in_place) return;
  if (restore.roll_back && !restore.expected_refusal.empty()) {
    reader.fail(places.roll_back, "a restore that is refused has set nothing aside, so there is nothing to roll back",
                "remove \"roll_back\"");
  }
  if (scenario.source.stored) {
    reader.fail(places.in_place, "of a stored backup no cluster is at hand in whose place it could be restored",
                "remove \"in_place\"");
  }
  if (restore.kind != RestoreKind::pitr || restore.target.kind == TargetKind::end_of_wal) {
    reader.fail(places.in_place,
                "a restore in place goes with \"kind: pitr\" and a target before the end of WAL: the cluster that is "
                "there went on to that",
                "remove \"in_place\", or choose a point before the disaster");
  }
  require_cluster_to_set_aside(reader, scenario.timeline, places.in_place);
  if (restore.roll_back) require_living_source(reader, scenario.timeline, places.roll_back);
}

}  // namespace harness::scenario
