// Listeners of the harness's own that a restored server must not be able to reach: TCP on this host's loopback, a Unix
// socket in a directory that the server's user may enter, and an abstract one. They stand for production's.
#pragma once

#include <optional>
#include <vector>

#include "backup_engine/base/file.hpp"
#include "harness/process/reach.hpp"
#include "harness/server/owned_directory.hpp"

namespace harness::verify {

class Canary {
 public:
  // For a server that runs as `user`. Throws base::Error.
  explicit Canary(const std::optional<process::OsUser>& user);

  [[nodiscard]] const std::vector<process::Address>& addresses() const { return addresses_; }

 private:
  void listen_on_tcp();
  void listen_on_path();
  void listen_on_abstract_name();

  server::OwnedDirectory directory_;
  std::vector<backup_engine::base::UniqueFd> listeners_;
  std::vector<process::Address> addresses_;
};

}  // namespace harness::verify
