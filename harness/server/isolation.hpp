// Namespaces for restored servers: what of the file system such a server is shown, whether this machine allows them at
// all, and which Unix sockets of others are there to be kept from it. docs/servers.md, "Isolation".
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/process/isolated_view.hpp"
#include "harness/server/installation.hpp"

namespace harness::server {

// What makes a server's life of its own. Beside what is named here it sees programs and libraries, its data directory
// and all that this links to, its socket's directory, and empty /tmp, /var/tmp and /dev/shm.
struct Isolation {
  std::vector<std::filesystem::path> visible;  // to read: what its restore_command runs and reads, its access rules
};

// Why no process here can be given namespaces of its own; empty when it can. Tried once a run; thread-safe.
[[nodiscard]] const std::string& why_not_isolated();

// Throws base::Error where the data directory cannot be read.
[[nodiscard]] process::IsolatedView view_for_server(const Isolation& isolation, const Installation& installation,
                                                    const std::filesystem::path& data_directory,
                                                    const std::filesystem::path& socket_directory);

// The paths of Unix sockets on which somebody listens in this network namespace, sorted.
[[nodiscard]] std::vector<std::filesystem::path> listening_sockets();
// Those of them that /proc/net/unix, given as text, lists.
[[nodiscard]] std::vector<std::filesystem::path> listening_sockets_in(const std::string& proc_net_unix);

// The top of an installation whose programs lie in `bin_directory`: programs, libraries and shared files.
[[nodiscard]] std::filesystem::path top_of_installation(const std::filesystem::path& bin_directory);

}  // namespace harness::server
