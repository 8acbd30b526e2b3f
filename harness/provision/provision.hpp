// New clusters in a fraction of initdb's time: a copy of a cached template with a system identifier of its own.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "harness/process/subprocess.hpp"
#include "harness/server/installation.hpp"

namespace harness::provision {

struct ClusterOptions {
  server::Installation installation;
  std::filesystem::path data_directory;  // absent; its parent exists
  bool checksums = true;
  std::map<std::string, std::string> settings;  // written to postgresql.conf
  std::optional<process::OsUser> run_as;        // who will own it
};

// Makes the cluster (superuser "postgres", trust on the local socket, replication allowed, UTF8, locale C.UTF-8).
// The template is kept below $XDG_CACHE_HOME/lifeboat, made once under a lock, keyed by version and options. Throws
// base::Error.
void make_cluster(const ClusterOptions& options);

}  // namespace harness::provision
