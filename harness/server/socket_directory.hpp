// Where a server's Unix socket lies: a short private directory, since a socket's path is limited to 107 bytes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "harness/process/subprocess.hpp"
#include "harness/server/owned_directory.hpp"

namespace harness::server {

constexpr auto socket_name = ".s.PGSQL.5432";  // the port is part of the name; there is no TCP

// `parent`, or when empty $XDG_RUNTIME_DIR for a server that runs as the caller, else /tmp.
[[nodiscard]] std::filesystem::path socket_parent(const std::filesystem::path& parent,
                                                  const std::optional<process::OsUser>& run_as);

// Throws base::Error(usage) when a socket's path in a new directory below `parent` would be too long.
void refuse_long_socket_path(const std::filesystem::path& parent);

// Reclaims what dead runs left below the parent (once a process and parent), then makes a new directory. Throws as
// refuse_long_socket_path does.
[[nodiscard]] OwnedDirectory make_socket_directory(const std::filesystem::path& parent,
                                                   const std::optional<process::OsUser>& run_as);

}  // namespace harness::server
