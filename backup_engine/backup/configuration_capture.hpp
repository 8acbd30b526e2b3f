// Configuration that a restored server needs although it lies outside the data directory, or points back to the
// source's place. Debian keeps it in /etc; without it a restored server does not start. Rules: docs/formats/backup.md.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "backup_engine/postgres/configuration.hpp"

namespace backup_engine::backup {

struct ConfigurationPlaces {
  std::filesystem::path data_directory, config_file, hba_file, ident_file;  // as the server says them, absolute
};

// In the backup `name` is a link to `target`, one of `files`: a restore puts a plain file there that holds what
// `target` and its includes say.
struct ConfigurationLink {
  std::string name;  // postgresql.conf, pg_hba.conf or pg_ident.conf
  std::filesystem::path target;
};

struct CapturedConfiguration {
  std::vector<ConfigurationLink> links;
  std::vector<std::filesystem::path> files;  // absolute, each once
};

// A file that is where the server looks for it by default, whose includes all lie in the data directory under relative
// names and which does not name other places, is captured by nothing: it is part of the data directory. Throws Error
// (permission, io) naming a file that cannot be read.
[[nodiscard]] CapturedConfiguration capture_configuration(const ConfigurationPlaces& places,
                                                          const postgres::ConfigurationReader& reader);

// Reads this host's own files.
[[nodiscard]] postgres::ConfigurationReader local_configuration();

}  // namespace backup_engine::backup
