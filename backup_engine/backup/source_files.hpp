// What a data directory holds at the moment of looking: the files, directories and tablespaces a backup copies.
// Files come and go while the server runs; what vanishes between being seen and being asked is left out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/base/utc_time.hpp"

namespace backup_engine::backup {

struct SourceEntry {
  std::string path;  // as in the backup: relative to the data directory; a tablespace's as pg_tblspc/OID/…
  mode_t mode = 0;   // permission bits
  uid_t user = 0;
  gid_t group = 0;
};

struct SourceFile : SourceEntry {
  std::uint64_t size_bytes = 0;  // when listed: what the backup will hold of it
  base::UtcTime modified_at;
  // Absolute number of its first page when it is a relation's file, whose pages carry checksums.
  std::optional<std::uint32_t> first_block;
};

struct SourceTablespace {
  std::string oid;
  std::filesystem::path location;  // what pg_tblspc/OID links to; empty for an in-place one (a plain directory)
};

struct SourceListing {
  std::string data_directory;            // absolute; every path leads on from here, through links where it must
  std::vector<SourceEntry> directories;  // parents before children; the data directory itself first, as ""
  std::vector<SourceFile> files;         // global/pg_control not among them: it is read last, on its own
  std::vector<SourceTablespace> tablespaces;
};

// tablespace_version: the directory in each tablespace that belongs to this server, PG_15_202209061. Throws Error
// (permission, io) naming what cannot be read.
[[nodiscard]] SourceListing list_source(const std::filesystem::path& data_directory,
                                        const std::string& tablespace_version);

[[nodiscard]] SourceEntry describe_entry(const std::filesystem::path& location, std::string path);

}  // namespace backup_engine::backup
