// A new cluster with its folder, for the tests of servers. Everything goes when the fixture goes.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>

#include "harness/provision/provision.hpp"
#include "harness/server/owned_directory.hpp"
#include "harness/server/server.hpp"
#include "tests/pg/server/test_installation.hpp"

namespace harness::server {

inline backup_engine::base::Deadline soon() {
  return backup_engine::base::Deadline::after(std::chrono::minutes(5));
}

class DisposableCluster : public testing::Test {
 protected:
  DisposableCluster() : user_(resolve_server_user("")), directory_(OwnedDirectory::create("/var/tmp", user_)) {}

  // Makes the cluster NAME when it is not there yet.
  [[nodiscard]] ServerOptions options(const std::string& name = "data") const {
    ServerOptions made;
    made.installation = test_installation();
    made.data_directory = directory_.path() / name;
    made.log_file = directory_.path() / (name + ".log");
    made.run_as = user_;
    if (!std::filesystem::exists(made.data_directory)) {
      provision::make_cluster({.installation = made.installation,
                               .data_directory = made.data_directory,
                               .checksums = true,
                               .settings = {{"wal_level", "replica"}},
                               .run_as = user_});
    }
    return made;
  }

  [[nodiscard]] Server started(const ServerOptions& wanted) const {
    auto server = Server::start(wanted);
    server.wait_until_ready(soon());
    return server;
  }

  std::optional<process::OsUser> user_;
  OwnedDirectory directory_;
};

// The pids of every process whose command line holds `text`, and their children: what is left of a server.
[[nodiscard]] std::vector<pid_t> servers_on(const std::filesystem::path& data_directory);

}  // namespace harness::server
