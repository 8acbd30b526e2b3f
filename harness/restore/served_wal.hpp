// Where a restored server gets its WAL from when it may not read the repository, or the key, or is shown neither: most
// often both are their owner's alone, and servers run as nobody of importance, in namespaces of their own. Lifeboat,
// which may, then serves it through a socket; nothing of the key reaches that user (docs/drill-your-backups.md,
// "Before the first drill").
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "backup_engine/serve_wal.hpp"
#include "harness/process/subprocess.hpp"
#include "harness/server/owned_directory.hpp"

namespace harness::restore {

struct WalOrigin {
  std::filesystem::path repository;
  std::string cluster;
  std::filesystem::path key_file;  // empty: of a repository in the clear
};

enum class Surroundings { shared, isolated };

// For as long as it lives it serves, in threads of its own. Its socket lies in a private directory that others may only
// pass through, and goes with it.
class ServedWal {
 public:
  // nullptr where `user` can read everything by itself and is shown it, or is the caller (as nullopt is). Throws
  // base::Error as opening the repository does. Takes as long as listing the repository.
  [[nodiscard]] static std::unique_ptr<ServedWal> where_needed(const WalOrigin& origin,
                                                               const std::optional<process::OsUser>& user,
                                                               Surroundings surroundings);
  ServedWal(const WalOrigin& origin, const process::OsUser& user);

  [[nodiscard]] std::filesystem::path socket() const { return socket_in(directory_.path()); }

 private:
  [[nodiscard]] static std::filesystem::path socket_in(const std::filesystem::path& directory) {
    return directory / "wal";
  }

  server::OwnedDirectory directory_;
  backup_engine::WalServer server_;  // goes before its directory
};

// Throws base::Error(usage), naming what cannot be read, where the restored server's user is the caller and cannot read
// repository and key file: nobody could serve it. Another user need not.
void require_readable(const std::filesystem::path& repository, const std::filesystem::path& key_file,
                      const std::optional<process::OsUser>& user);

}  // namespace harness::restore
