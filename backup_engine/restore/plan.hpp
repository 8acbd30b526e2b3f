// What a restore will write and where, decided before anything is written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "backup_engine/restore.hpp"
#include "backup_engine/restore/existing_directory.hpp"
#include "backup_engine/restore/safety_journal.hpp"
#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::restore {

struct PlannedFile {
  store::FileEntry entry;
  std::string location;  // absolute; a path takes five times the memory
  bool hollow = false;   // gets its size and no content
};
// One that is made a PlannedFile when its turn comes (Plan::file): of very many nothing else is held.
struct PlannedRow {
  std::uint32_t row = 0;  // in the backup's file table
  bool hollow = false;
};
// A file whose text this restore makes.
struct PlannedText {
  std::string path;  // in the data directory
  std::uint32_t mode = 0600;
  std::string text;
};
struct PlannedTablespace {
  std::string link;                // pg_tblspc/OID
  std::filesystem::path location;  // absolute
  store::FileEntry entry;          // the link's
};

struct Plan {
  std::filesystem::path to;  // absolute
  ExistingDirectory existing;
  bool compares = false;          // files that are there are kept as far as their content is the backup's
  std::string version_directory;  // PG_15_202209061: what a tablespace has of this cluster
  std::vector<PlannedTablespace> tablespaces;
  std::vector<PlannedFile> directories;     // parents before children; `to` and the tablespaces' own not among them
  const store::FileTable* table = nullptr;  // of the backup
  std::vector<PlannedRow> files;            // without pg_control
  PlannedFile control;
  std::vector<PlannedText> texts;  // configuration, backup_manifest, recovery.signal
  std::uint32_t uid = 0, gid = 0;  // of the source's data directory
  std::uint64_t total_bytes = 0;   // that are written
  std::vector<std::string> hollow_databases;
  std::string archiving_note;  // or empty

  [[nodiscard]] PlannedFile file(std::size_t index) const;  // of `files`
};

// Without a slash at its end.
[[nodiscard]] std::filesystem::path normal_absolute(const std::filesystem::path& path);

// `request.to` is normal and absolute; `reader` outlives the result. Throws Error as examine() does, and: not_found (a
// database that the backup does not hold), usage (tablespaces not mapped or mapped into the directory), already_exists
// (a tablespace's place that is neither empty nor this directory's), no_space, corrupt.
// begun: of a restore in place that goes on; its tablespaces are its own.
[[nodiscard]] Plan make_plan(const store::BackupReader& reader, const RestoreRequest& request,
                             const SafetyJournal* begun = nullptr);

}  // namespace backup_engine::restore
