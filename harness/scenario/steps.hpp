// Looks things up in a timeline. Internal to harness/scenario.
#pragma once

#include <algorithm>

#include "harness/scenario/scenario.hpp"

namespace harness::scenario {

using Steps = std::vector<Step>;
inline constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

template <typename Kind>
[[nodiscard]] bool is(const Step& step) {
  return std::holds_alternative<Kind>(step.what);
}

template <typename Kind>
[[nodiscard]] std::size_t first_of(const Steps& steps, std::size_t from = 0) {
  const auto found = std::find_if(steps.begin() + static_cast<std::ptrdiff_t>(from), steps.end(), is<Kind>);
  return found == steps.end() ? nowhere : static_cast<std::size_t>(found - steps.begin());
}

template <typename Kind>
[[nodiscard]] std::size_t last_of(const Steps& steps) {
  const auto found = std::find_if(steps.rbegin(), steps.rend(), is<Kind>);
  return found == steps.rend() ? nowhere : static_cast<std::size_t>(steps.rend() - found) - 1;
}

// The first mark, or restore point, of that name.
template <typename Kind>
[[nodiscard]] std::size_t step_named(const Steps& steps, std::string_view name) {
  const auto found = std::find_if(steps.begin(), steps.end(), [name](const Step& step) {
    const auto* const what = std::get_if<Kind>(&step.what);
    return what != nullptr && what->name == name;
  });
  return found == steps.end() ? nowhere : static_cast<std::size_t>(found - steps.begin());
}

// A load that goes on behind the steps before `end`, begun by the last load step before it.
[[nodiscard]] bool load_runs_behind(const Steps& steps, std::size_t end);

// The step that a target's point is: a mark, the first restore point of that name, the disaster; nowhere when there is
// none, or the target is no point of the timeline.
[[nodiscard]] std::size_t step_of_point(const Steps& steps, const RestoreTarget& target);

// Of a disaster: the server is gone afterwards, or nobody may trust it any more.
[[nodiscard]] bool loses_server(const DisasterStep& step);
// WAL that the repository holds is lost or damaged.
[[nodiscard]] bool harms_segment(const DisasterStep& step);

// The first disaster that made a recovery of the source necessary: it ended the source or changed its data. This is
// the one that the word "disaster" of a target means, and with it RTO's clock starts. nowhere: none did.
[[nodiscard]] std::size_t first_harm(const Steps& steps);
// The first that changed data, so that WAL replays it; the one that ended the source. nowhere: none did.
[[nodiscard]] std::size_t first_change(const Steps& steps);
[[nodiscard]] std::size_t server_end(const Steps& steps);
// The first at `from` or behind it that moved the source to another timeline. nowhere: none did.
[[nodiscard]] std::size_t next_failover(const Steps& steps, std::size_t from = 0);

}  // namespace harness::scenario
