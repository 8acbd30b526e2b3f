// Whether a source showed all that its server has: a tablespace whose disk is not mounted, or not where the backup
// runs, looks like one without files. What catalogs name must have been seen on disk (docs/formats/backup.md, "What
// must be there").
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>

#include "backup_engine/base/deadline.hpp"

namespace backup_engine::backup {

// What the catalogs name at one moment.
struct ServerInventory {
  std::set<std::uint32_t> tablespaces;               // OIDs; the user's
  std::map<std::uint32_t, std::uint32_t> databases;  // OIDs; the tablespace in which each has its own directory
};

// Whether finding `path` (as in a backup) shows that a tablespace or database is there: a tablespace's directory of
// this version, or a database's PG_VERSION.
[[nodiscard]] bool shows_place(std::string_view path);

class RequiredPlaces {
 public:
  using Ask = std::function<ServerInventory()>;
  // Where a tablespace lies, for messages; may be empty.
  using LocationOf = std::function<std::string(std::uint32_t oid)>;

  RequiredPlaces() = default;  // requires nothing
  // Asks at once: before anything is listed. What is created later, WAL creates again.
  RequiredPlaces(Ask ask, LocationOf location_of);

  // seen: paths for which shows_place() holds. version_directory: PG_15_202209061. Throws Error(io), naming the first
  // that was not seen although the server still has it at the end of `patience`: what is dropped goes from the disk
  // before it goes from the catalogs.
  void require(const std::set<std::string>& seen, const std::string& version_directory, const std::stop_token& stop,
               base::Deadline::Clock::duration patience = std::chrono::seconds(3)) const;

 private:
  Ask ask_;
  LocationOf location_of_;
  ServerInventory known_;
};

}  // namespace backup_engine::backup
