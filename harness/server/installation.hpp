// PostgreSQL installations on this machine: Debian's layout (every major), PATH, or a directory that was named.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/postgres/version.hpp"

namespace harness::server {

struct Installation {
  std::filesystem::path bin_directory;
  backup_engine::postgres::Version version;
  [[nodiscard]] std::filesystem::path program(const std::string& name) const { return bin_directory / name; }
};

// Newest first; unsupported majors included (the caller refuses them by name). With `bin_directory` only that one:
// throws base::Error(not_found) naming the missing program.
[[nodiscard]] std::vector<Installation> find_installations(const std::optional<std::filesystem::path>& bin_directory);

// The one of `major`, or the newest supported. Throws base::Error(not_found | unsupported) with the apt line.
[[nodiscard]] Installation choose_installation(const std::vector<Installation>& found, std::optional<int> major);

// "postgres (PostgreSQL) 15.18 (Debian 15.18-1)" → 150018; nullopt for anything else.
[[nodiscard]] std::optional<backup_engine::postgres::Version> parse_version_line(const std::string& line);

// The program's path; throws base::Error(not_found) with the apt line when it cannot be executed.
[[nodiscard]] std::filesystem::path require_program(const Installation& installation, const std::string& name);

// How Debian installs `program` of `major`: "apt-get install postgresql-15".
[[nodiscard]] std::string apt_line(int major, const std::string& program);

}  // namespace harness::server
