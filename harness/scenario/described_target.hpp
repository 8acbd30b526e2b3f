// Which mark says, exactly, what a database restored to the scenario's target must hold (docs/scenarios.md, "verify").
#pragma once

#include <optional>
#include <string>

#include "harness/scenario/scenario.hpp"

namespace harness::scenario {

// The name of the mark at which content, catalog and settings are judged; nullopt when none describes the target. For
// end_of_wal it is the last mark behind the last backup: what came after it is replayed too, so content is judged on a
// copy that recovers to the mark.
[[nodiscard]] std::optional<std::string> mark_describing_target(const Scenario& scenario);

}  // namespace harness::scenario
