// Databases that were copied as files while a backup was taken. Recovery copies the files anew: a caveat of
// PostgreSQL's, by which the copy may be damaged in silence (docs/formats/backup.md, "Databases that are copied
// meanwhile").
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/postgres/lsn.hpp"
#include "backup_engine/repository.hpp"

namespace backup_engine {

// Made as a copy of another one's files (CREATE DATABASE … STRATEGY file_copy), or moved as a copy of its own (ALTER
// DATABASE … SET TABLESPACE).
struct CopiedDatabase {
  postgres::Lsn record;
  std::uint32_t oid = 0, from_oid = 0;  // the same when it was moved
  std::string name, from_name;          // when the backup stopped; empty: not known, or dropped by then
  // The files that it was copied from were removed meanwhile: the backup may hold a part of them, or none. Such a
  // backup is not published; those that were published by earlier versions may have them.
  bool source_went = false;
  bool operator==(const CopiedDatabase&) const = default;
};
// nullopt: not known, as of backups that Lifeboat took before it looked.
using CopiedDatabases = std::optional<std::vector<CopiedDatabase>>;

// What may have happened and what to do.
[[nodiscard]] std::string warning_of(const CopiedDatabase& copied);

// Of a cluster's backups by label, as their manifests say; those that cannot be read are left out. Throws Error as
// list_repository.
[[nodiscard]] std::map<std::string, CopiedDatabases> list_copied_databases(const RepositoryLocation& location,
                                                                           const std::string& cluster);

}  // namespace backup_engine
