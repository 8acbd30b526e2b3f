#include "harness/disaster/disaster.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/faults/lose_server.hpp"

namespace harness::disaster {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

Struck lose_server(const scenario::DisasterStep& step, const Victim& victim) {
  if (!step.argument.empty()) {
    throw Error(ErrorKind::usage, fmt::format("the disaster lose_server takes no argument: '{}'", step.argument));
  }
  const auto directory = victim.data_directory.path().filename().string();
  const auto pid = victim.server.pid();
  faults::kill_server(victim.server);
  const auto struck_at = backup_engine::base::utc_now();
  if (victim.before_loss) victim.before_loss();
  faults::lose_data_directory(victim.data_directory);
  return {{step.kind, backup_engine::base::to_rfc3339(struck_at),
           fmt::format("postmaster {} and all its processes killed (SIGKILL), its data directory {} removed", pid,
                       directory)},
          "",
          ""};
}

using Strike = Struck (*)(const scenario::DisasterStep&, const Victim&);

const std::map<std::string, Strike>& strikes() {
  static const std::map<std::string, Strike> by_kind{{"lose_server", lose_server}};
  return by_kind;
}

}  // namespace

const std::vector<std::string>& known_kinds() {
  static const auto names = [] {
    std::vector<std::string> all;
    for (const auto& [name, strike_it] : strikes()) all.push_back(name);
    return all;
  }();
  return names;
}

Struck strike(const scenario::DisasterStep& step, const Victim& victim) {
  const auto found = strikes().find(step.kind);
  if (found == strikes().end()) {
    throw Error(ErrorKind::usage, fmt::format("there is no disaster '{}'", step.kind))
        .with_remedy(fmt::format("use one of: {}", fmt::join(known_kinds(), ", ")));
  }
  return found->second(step, victim);
}

}  // namespace harness::disaster
