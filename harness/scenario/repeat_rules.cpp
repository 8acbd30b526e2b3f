#include <optional>

#include "harness/scenario/rules.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {

namespace {

struct Refusal {
  const char *why, *remedy;
};

// Why the same restore cannot follow itself; nothing when it can.
std::optional<Refusal> obstacle_to_repeating(const Restore& restore, bool into_source) {
  if (!restore.expected_refusal.empty()) {
    return Refusal{"a restore that must be refused is not repeated: nothing comes back that takes time",
                   "remove \"repeat\", or \"expect\" below restore"};
  }
  if (restore.in_place) {
    return Refusal{"a restore in place cannot be repeated: the first has set the old cluster aside",
                   "remove \"repeat\" or \"in_place\""};
  }
  if (restore.struck_by) {
    return Refusal{"a restore that is struck by a disaster is not repeated: its times are not those of a restore",
                   "remove \"repeat\" or \"struck_by\""};
  }
  if (into_source) {
    return Refusal{"a restore into the living source cannot be repeated: the first has changed the source",
                   "remove \"repeat\", or restore into a server of its own: kind full or pitr, or one database"};
  }
  return std::nullopt;
}

}  // namespace

void require_repeatable(const Reader& reader, const Scenario& scenario, const Places& places) {
  const auto& restore = scenario.restore;
  const bool into_source = restore.kind == RestoreKind::partial && restore.partial.database.empty();
  const auto obstacle = obstacle_to_repeating(restore, into_source);
  if (places.repeat && scenario.repeat > 1 && obstacle) reader.fail(*places.repeat, obstacle->why, obstacle->remedy);
  if (places.at_size && restore.struck_by) {
    reader.fail(*places.at_size,
                "a restore that is struck by a disaster is not extrapolated: its times are not those of a restore",
                "remove \"at_size\" or \"struck_by\"");
  }
  if (places.at_size && into_source) {
    reader.fail(*places.at_size,
                "what a restore of some tables takes says nothing of a database's size: it cannot be extrapolated",
                "remove \"at_size\", or restore a whole cluster or database");
  }
}

}  // namespace harness::scenario
