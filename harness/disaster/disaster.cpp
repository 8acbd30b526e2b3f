#include "harness/disaster/disaster.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/faults/delete_rows.hpp"
#include "harness/faults/drop_database.hpp"
#include "harness/faults/drop_schema.hpp"
#include "harness/faults/drop_table.hpp"
#include "harness/faults/lose_server.hpp"
#include "harness/faults/truncate_table.hpp"
#include "harness/faults/update_rows.hpp"

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

faults::Patience patience_of(const Victim& victim) {
  return {backup_engine::base::Deadline::after(victim.patience), victim.stop};
}

Struck struck_by(const scenario::DisasterStep& step, faults::Harm harm) {
  using backup_engine::base::to_rfc3339;
  return {{step.kind, to_rfc3339(harm.done_at), std::move(harm.detail)},
          std::move(harm.lsn),
          std::move(harm.xid),
          to_rfc3339(harm.began_at)};
}

using HarmInDatabase = faults::Harm (*)(backup_engine::postgres::Connection&, const std::string&,
                                        const faults::Patience&);

template <HarmInDatabase harm>
Struck in_database(const scenario::DisasterStep& step, const Victim& victim) {
  if (victim.database.empty()) {
    throw Error(ErrorKind::internal, fmt::format("the disaster {} was given no database to strike in", step.kind));
  }
  auto connection = victim.server.connect(victim.database);
  return struck_by(step, harm(connection, step.argument, patience_of(victim)));
}

Struck drop_database(const scenario::DisasterStep& step, const Victim& victim) {
  return struck_by(step, faults::drop_database(victim.server, step.argument, patience_of(victim)));
}

using Strike = Struck (*)(const scenario::DisasterStep&, const Victim&);

const std::map<std::string, Strike>& strikes() {
  static const std::map<std::string, Strike> by_kind{
      {"delete_rows", in_database<faults::delete_rows>},
      {"drop_database", drop_database},
      {"drop_schema", in_database<faults::drop_schema>},
      {"drop_table", in_database<faults::drop_table>},
      {"lose_server", lose_server},
      {"truncate_table", in_database<faults::truncate_table>},
      {"update_rows", in_database<faults::update_rows>},
  };
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
