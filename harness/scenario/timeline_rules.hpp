// What must hold between the parts of a scenario, beyond each part's grammar: the timeline can be carried out, its
// restore can reach its target, and each check has something to be judged against. Internal to harness/scenario.
#pragma once

#include "harness/scenario/scenario.hpp"

namespace harness::scenario {

class Reader;

struct Places {  // where the parts stand, for messages
  Position timeline;
  std::vector<Position> checks;  // as scenario.verify
};

// Throws Error(usage) at the part that breaks the first rule broken.
void require_sound_timeline(const Reader& reader, const Scenario& scenario, const Places& places);

}  // namespace harness::scenario
