#include "backup_engine/restore/hollow_databases.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"

namespace backup_engine::restore {

using base::Error;
using base::ErrorKind;

namespace {

bool always_stays(std::string_view name) {
  return name == "template0" || name == "template1" || name == "postgres";
}

std::string_view take_component(std::string_view& path) {
  const auto component = path.substr(0, path.find('/'));
  path.remove_prefix(std::min(component.size() + 1, path.size()));
  return component;
}

void require_known(const store::Manifest& manifest, const std::vector<std::string>& wanted) {
  const auto& label = manifest.summary.label;
  if (manifest.databases.empty()) {
    throw Error(ErrorKind::unsupported, fmt::format("backup {} does not say which databases it holds", label))
        .with_remedy("It was taken by an older Lifeboat: restore the whole cluster from it, or take a new backup.");
  }
  for (const auto& name : wanted) {
    if (std::ranges::count(manifest.databases, name, &store::Database::name) != 0) continue;
    std::vector<std::string> held;
    for (const auto& database : manifest.databases) held.push_back(database.name);
    std::ranges::sort(held);
    throw Error(ErrorKind::not_found, fmt::format("backup {} holds no database {}", label, name))
        .with_remedy(fmt::format("It holds: {}. One that was created after the backup comes from the WAL alone, "
                                 "whichever others are named.",
                                 fmt::join(held, ", ")));
  }
}

}  // namespace

HollowDatabases::HollowDatabases(const store::Manifest& manifest, const std::vector<std::string>& wanted)
    : some_(!wanted.empty()) {
  if (wanted.empty()) return;
  require_known(manifest, wanted);
  for (const auto& database : manifest.databases) {
    if (always_stays(database.name) || std::ranges::count(wanted, database.name) != 0) {
      kept_oids_.insert(std::to_string(database.oid));
    } else {
      names_.push_back(database.name);
    }
  }
  std::ranges::sort(names_);
}

// base/DATABASE/FILE or pg_tblspc/TABLESPACE/VERSION/DATABASE/FILE.
std::string_view HollowDatabases::hollow_file(std::string_view path) const {
  if (!some_) return {};
  const auto top = take_component(path);
  if (top == "pg_tblspc") {
    static_cast<void>(take_component(path));
    static_cast<void>(take_component(path));
  } else if (top != "base") {
    return {};
  }
  const auto database = take_component(path);
  return base::is_number(database) && !kept_oids_.contains(database) ? path : std::string_view();
}

// A relation's files begin with its number.
bool HollowDatabases::empties(std::string_view path) const {
  return base::is_number(hollow_file(path).substr(0, 1));
}

bool HollowDatabases::removes(std::string_view path) const {
  return hollow_file(path) == "PG_VERSION";
}

}  // namespace backup_engine::restore
