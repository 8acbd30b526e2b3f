#include "backup_engine/backup/required_places.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "backup_engine/base/error.hpp"

namespace backup_engine::backup {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint32_t default_tablespace = 1663;

struct Place {
  bool is_tablespace = false;
  std::uint32_t oid = 0, tablespace = 0;
  std::string path;  // as in a backup
};

std::string tablespace_path(std::uint32_t oid, const std::string& version_directory) {
  return fmt::format("pg_tblspc/{}/{}", oid, version_directory);
}

std::vector<Place> places_of(const ServerInventory& inventory, const std::string& version_directory) {
  std::vector<Place> places;
  for (const auto oid : inventory.tablespaces)
    places.push_back({true, oid, oid, tablespace_path(oid, version_directory)});
  for (const auto& [oid, tablespace] : inventory.databases) {
    const auto folder = tablespace == default_tablespace ? "base" : tablespace_path(tablespace, version_directory);
    places.push_back({false, oid, tablespace, fmt::format("{}/{}/PG_VERSION", folder, oid)});
  }
  return places;
}

// A database that was moved to another tablespace is written anew by WAL, like one that is created.
bool still_has(const ServerInventory& inventory, const Place& place) {
  if (place.is_tablespace) return inventory.tablespaces.contains(place.oid);
  const auto found = inventory.databases.find(place.oid);
  return found != inventory.databases.end() && found->second == place.tablespace;
}

Error not_there(const Place& place, const RequiredPlaces::LocationOf& location_of) {
  const auto location = place.tablespace == default_tablespace ? "" : location_of(place.tablespace);
  return Error(ErrorKind::io,
               fmt::format("the server has a {} with OID {}, but {}{} is not there; without it the backup would not "
                           "be whole, and so none was made",
                           place.is_tablespace ? "tablespace" : "database", place.oid, place.path,
                           location.empty() ? "" : fmt::format(" ({})", location)))
      .with_remedy(
          "Mount what belongs there, and take the backup where the server's files are to be seen; if it was being "
          "dropped just then, take the backup again.");
}

}  // namespace

bool shows_place(std::string_view path) {
  constexpr std::string_view spaces = "pg_tblspc/", version_file = "/PG_VERSION";
  if (path.ends_with(version_file)) return true;
  if (!path.starts_with(spaces)) return false;
  path.remove_prefix(spaces.size());
  const auto slash = path.find('/');
  return slash != std::string_view::npos && path.find('/', slash + 1) == std::string_view::npos;
}

RequiredPlaces::RequiredPlaces(Ask ask, LocationOf location_of)
    : ask_(std::move(ask)), location_of_(std::move(location_of)), known_(ask_()) {}

void RequiredPlaces::require(const std::set<std::string>& seen, const std::string& version_directory,
                             const std::stop_token& stop, const Patience& patience) const {
  auto missing = places_of(known_, version_directory);
  std::erase_if(missing, [&](const Place& place) { return seen.contains(place.path); });
  if (missing.empty()) return;
  const auto replayed = base::Deadline::after(patience.replayed);
  bool lost = false;
  const auto look = [&]() -> std::optional<std::string> {
    const auto now = ask_();
    std::erase_if(missing, [&](const Place& place) { return !still_has(now, place); });
    lost = now.catalogs == Catalogs::settled || (now.catalogs == Catalogs::replayed && replayed.expired());
    return missing.empty() || lost ? std::nullopt : std::optional(missing.front().path);
  };
  try {
    base::poll_until(base::Deadline::after(patience.changing), "the end of what is being dropped", look, stop);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::timed_out) throw;
  }
  if (!missing.empty()) throw not_there(missing.front(), location_of_);
}

}  // namespace backup_engine::backup
