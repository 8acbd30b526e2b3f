// What must hold between the parts of a scenario, beyond each part's grammar: the timeline can be carried out, its
// restore can reach its target without the harm, and each check has something to be judged against. Each function
// throws Error(usage) at the part that breaks the first rule broken. Internal to harness/scenario.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/scenario.hpp"

namespace harness::scenario {

class Reader;

struct RestorePlaces {  // where a restore's parts stand; those that are absent at its beginning
  Position kind, target, action, selection, in_place, roll_back, struck_by;
};
struct Places {  // where the parts stand, for messages
  Position timeline;
  std::optional<Position> rpo;  // the first objective of that kind
  std::optional<Position> repeat, at_size;
  RestorePlaces restore;
  std::vector<Position> checks;  // as scenario.verify
};

struct Databases {  // of the dataset; both empty when its manifest cannot be read
  std::vector<std::string> names;
  std::string load;  // where the load writes and the ledger lies
};

// Of a sweep that names no target: as far as the WAL goes, but not through harm.
[[nodiscard]] RestoreTarget target_of_sweep(const std::vector<Step>& timeline);

// Each disaster can strike where it stands, and one of them makes a recovery necessary.
void require_sound_disasters(const Reader& reader, const Scenario& scenario, Position timeline);
void require_sound_timeline(const Reader& reader, const Scenario& scenario, const Places& places,
                            const Databases& databases);
// Something can strike while the restore runs.
void require_strikable_restore(const Reader& reader, const Scenario& scenario, const RestorePlaces& places);
// Call it for a sound timeline only.
void require_reachable_target(const Reader& reader, const Scenario& scenario, const Places& places,
                              const Databases& databases);
// Call it for a reachable target only.
void require_judgeable_checks(const Reader& reader, const Scenario& scenario, const Places& places,
                              const Databases& databases);

// Whether there is a cluster in whose place it can be restored; of any source. Call it before the rules above.
void require_restore_in_place(const Reader& reader, const Scenario& scenario, const RestorePlaces& places);

// All of the above for a stored backup, of which nobody knows what it was: no load, marks or disaster.
void require_sound_stored_drill(const Reader& reader, const Scenario& scenario, const Places& places);

// Of either kind of source: what may be repeated and extrapolated.
void require_repeatable(const Reader& reader, const Scenario& scenario, const Places& places);

}  // namespace harness::scenario
