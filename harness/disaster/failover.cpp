#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/disaster/strikes.hpp"
#include "harness/faults/lose_server.hpp"

namespace harness::disaster {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

Struck fail_over(const scenario::DisasterStep& step, const Victim& victim) {
  if (!step.argument.empty()) {
    throw Error(ErrorKind::usage, fmt::format("the disaster {} takes no argument: '{}'", step.kind, step.argument));
  }
  if (!victim.around.make_standby || !victim.around.go_on_at_standby) {
    throw Error(ErrorKind::internal, fmt::format("the disaster {} was given no way to a standby", step.kind));
  }
  victim.around.make_standby();
  const auto pid = victim.server.pid();
  faults::kill_server(victim.server);
  const auto struck_at = backup_engine::base::utc_now();
  if (victim.before_loss) victim.before_loss();
  faults::lose_data_directory(victim.data_directory.value());
  return {{step.kind, backup_engine::base::to_rfc3339(struck_at),
           fmt::format("postmaster {} and all its processes killed (SIGKILL), its data directory removed; {}", pid,
                       victim.around.go_on_at_standby())},
          "",
          ""};
}

}  // namespace harness::disaster
