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

// Whether what the catalogs name may be on its way out: DROP removes files before it commits.
enum class Catalogs {
  settled,   // on a primary, and nobody is changing them: what is named is there, or lost
  changing,  // a session has changed them, and has not ended its transaction yet
  replayed,  // a standby's: the commit may lie in WAL that is still to come
};

// What the catalogs name at one moment.
struct ServerInventory {
  std::set<std::uint32_t> tablespaces;               // OIDs; the user's
  std::map<std::uint32_t, std::uint32_t> databases;  // OIDs; the tablespace in which each has its own directory
  // As it was before the catalogs were read: who had ended by then is seen in them.
  Catalogs catalogs = Catalogs::settled;
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

  // How long what is missing may be on its way out. Unlinking the files of a large database takes a while, and a commit
  // may wait for a synchronous standby.
  struct Patience {
    base::Deadline::Clock::duration changing = std::chrono::minutes(10);
    base::Deadline::Clock::duration replayed = std::chrono::seconds(30);
  };
  // seen: paths for which shows_place() holds. version_directory: PG_15_202209061. Throws Error(io), naming the first
  // that was not seen and that the server has: at once where nobody is changing the catalogs, else when its patience is
  // at an end. Error(interrupted).
  void require(const std::set<std::string>& seen, const std::string& version_directory, const std::stop_token& stop,
               const Patience& patience) const;
  void require(const std::set<std::string>& seen, const std::string& version_directory,
               const std::stop_token& stop) const {
    require(seen, version_directory, stop, Patience{});
  }

 private:
  Ask ask_;
  LocationOf location_of_;
  ServerInventory known_;
};

}  // namespace backup_engine::backup
