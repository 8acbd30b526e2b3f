// Restoring some databases of a cluster: the others become hollow, files of zeros that take no space, so that
// PostgreSQL still finds every file that its catalogs and its WAL name. Defined in docs/restore-database.md.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/store/manifest.hpp"

namespace backup_engine::restore {

class HollowDatabases {
 public:
  // `wanted` is empty: none is hollow. Otherwise all but those named and template0, template1 and postgres, without
  // which a cluster is not usable. Throws Error: not_found with the names that the backup holds, unsupported when the
  // backup does not tell its databases.
  HollowDatabases(const store::Manifest& manifest, const std::vector<std::string>& wanted);

  [[nodiscard]] bool any() const { return some_; }
  // Whether this file gets its size only: a relation's of a hollow database, also in a tablespace.
  [[nodiscard]] bool empties(std::string_view path) const;
  // Whether this file is not there at all: a hollow database's PG_VERSION. Without it PostgreSQL refuses a connection;
  // with it, a backend meets the empty catalogs and takes the whole server down with a PANIC.
  [[nodiscard]] bool removes(std::string_view path) const;
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  bool some_ = false;
  std::set<std::string, std::less<>> kept_oids_;  // as directories are named
  std::vector<std::string> names_;

  // The name of the file when it lies directly in a hollow database's directory; else empty.
  [[nodiscard]] std::string_view hollow_file(std::string_view path) const;
};

}  // namespace backup_engine::restore
