// The scenario's and the plan's closed sets as words, the ones that the scenario language and the command line use.
// Internal to harness/plan.
#pragma once

#include <string_view>

#include "harness/plan/plan.hpp"

namespace harness::plan {

[[nodiscard]] constexpr std::string_view word(scenario::WalTransport transport) {
  return transport == scenario::WalTransport::stream ? "stream" : "archive";
}
[[nodiscard]] constexpr std::string_view word(scenario::RestoreKind kind) {
  switch (kind) {
    case scenario::RestoreKind::full:
      return "full";
  }
  return "unknown";
}
[[nodiscard]] constexpr std::string_view word(scenario::RestoreTarget target) {
  return target == scenario::RestoreTarget::end_of_wal ? "end_of_wal" : "immediate";
}
[[nodiscard]] constexpr std::string_view word(Keep keep) {
  switch (keep) {
    case Keep::always:
      return "always";
    case Keep::on_failure:
      return "on-failure";
    case Keep::never:
      return "never";
  }
  return "unknown";
}

}  // namespace harness::plan
