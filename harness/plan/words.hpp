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
    case scenario::RestoreKind::pitr:
      return "pitr";
    case scenario::RestoreKind::partial:
      return "partial";
    case scenario::RestoreKind::pitr_sweep:
      return "pitr_sweep";
  }
  return "unknown";
}
[[nodiscard]] constexpr std::string_view word(scenario::TargetKind kind) {
  switch (kind) {
    case scenario::TargetKind::end_of_wal:
      return "end_of_wal";
    case scenario::TargetKind::immediate:
      return "immediate";
    case scenario::TargetKind::mark:
      return "mark";
    case scenario::TargetKind::name:
      return "name";
    case scenario::TargetKind::time:
      return "time";
    case scenario::TargetKind::lsn:
      return "lsn";
    case scenario::TargetKind::xid:
      return "xid";
  }
  return "unknown";
}
[[nodiscard]] constexpr std::string_view word(scenario::BackupMethod method) {
  return method == scenario::BackupMethod::files ? "files" : "stream";
}
[[nodiscard]] constexpr std::string_view word(scenario::TargetAction action) {
  switch (action) {
    case scenario::TargetAction::promote:
      return "promote";
    case scenario::TargetAction::pause:
      return "pause";
    case scenario::TargetAction::shutdown:
      return "shutdown";
  }
  return "unknown";
}
[[nodiscard]] constexpr std::string_view word(scenario::SecondDisaster strike) {
  return strike == scenario::SecondDisaster::kill_server ? "kill_server" : "kill_restore";
}
[[nodiscard]] constexpr std::string_view word(scenario::Placement placement) {
  return placement == scenario::Placement::replace ? "replace" : "beside";
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
