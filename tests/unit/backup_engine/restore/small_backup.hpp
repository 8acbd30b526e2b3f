// A repository with one small backup of a cluster that never ran: for tests of restores that need no server.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "backup_engine/restore.hpp"

namespace backup_engine::restore {

struct SmallBackup {
  std::string label;
  std::map<std::string, std::vector<std::byte>> files;  // in the data directory, by path
  std::vector<std::string> directories;
};

struct SmallBackupOptions {
  std::string tablespace;               // where it lay on the source; empty: none
  std::string configuration_file;       // an external postgresql.conf; empty: one in the data directory
  std::filesystem::path key_file = {};  // of an encrypted repository; empty: in the clear
  std::string new_tablespace = {};      // where its WAL creates one (OID 16388); empty: it creates none
  bool many_packs = false;              // of a few blocks each
};

// A pg_control of PostgreSQL 15 whose CRC holds.
[[nodiscard]] std::vector<std::byte> sound_control_file();

// Makes `repository` (absent) and in it cluster "main" with one backup.
[[nodiscard]] SmallBackup make_small_backup(const std::filesystem::path& repository,
                                            const SmallBackupOptions& options = {});

[[nodiscard]] RestoreRequest request_for(const std::filesystem::path& repository, const std::filesystem::path& to);

}  // namespace backup_engine::restore
