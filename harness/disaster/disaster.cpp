#include "harness/disaster/disaster.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/utc_time.hpp"
#include "harness/disaster/strikes.hpp"
#include "harness/faults/delete_rows.hpp"
#include "harness/faults/drop_database.hpp"
#include "harness/faults/drop_schema.hpp"
#include "harness/faults/drop_table.hpp"
#include "harness/faults/truncate_table.hpp"
#include "harness/faults/update_rows.hpp"

namespace harness::disaster {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;

namespace {

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
      {"break_archiving", break_archiving},
      {"corrupt_page", corrupt_page},
      {"damage_segment", damage_segment},
      {"delete_rows", in_database<faults::delete_rows>},
      {"drop_database", drop_database},
      {"drop_schema", in_database<faults::drop_schema>},
      {"drop_table", in_database<faults::drop_table>},
      {"encrypt_files", encrypt_files},
      {"fail_over", fail_over},
      {"fill_disk", fill_disk},
      {"interrupt_backup", interrupt_backup},
      {"kill_server", kill_server},
      {"lose_file", lose_file},
      {"lose_key", lose_key},
      {"lose_segment", lose_segment},
      {"lose_server", lose_server},
      {"mend_archiving", mend_archiving},
      {"truncate_file", truncate_file},
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
