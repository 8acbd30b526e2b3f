#include "harness/scenario/rules.hpp"
#include "harness/scenario/yaml_reader.hpp"

namespace harness::scenario {

void require_repeatable(const Reader& reader, const Scenario& scenario, const Places& places) {
  const auto& restore = scenario.restore;
  const bool into_source = restore.kind == RestoreKind::partial && restore.partial.database.empty();
  if (places.repeat && scenario.repeat > 1 && !restore.expected_refusal.empty()) {
    reader.fail(*places.repeat, "a restore that must be refused is not repeated: nothing comes back that takes time",
                "remove \"repeat\", or \"expect\" below restore");
  }
  if (places.repeat && scenario.repeat > 1 && restore.in_place) {
    reader.fail(*places.repeat, "a restore in place cannot be repeated: the first has set the old cluster aside",
                "remove \"repeat\" or \"in_place\"");
  }
  if (!into_source) return;
  if (places.repeat && scenario.repeat > 1) {
    reader.fail(*places.repeat, "a restore into the living source cannot be repeated: the first has changed the source",
                "remove \"repeat\", or restore into a server of its own: kind full or pitr, or one database");
  }
  if (places.at_size) {
    reader.fail(*places.at_size,
                "what a restore of some tables takes says nothing of a database's size: it cannot be extrapolated",
                "remove \"at_size\", or restore a whole cluster or database");
  }
}

}  // namespace harness::scenario
