// lifeboat.yaml: the clusters that somebody looks after, so that command lines and scenarios need not repeat where they
// are, where their backups lie and what was promised for them. docs/configuration.md defines it. Pure: reads one file,
// starts no process, connects to nothing.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/variables.hpp"

namespace harness::config {

struct Promise {  // durations as they were written, checked; empty: none
  std::string rto, rpo;
};
struct Objectives {
  Promise any;                   // for databases of any size
  Promise small, medium, large;  // of that size (docs/scenarios.md, "objectives")
  std::string at_size;           // to which a drill extrapolates its RTO, as it was written; empty: none
};

// Whom to turn to; a list of them is in the order in which they are asked.
struct Contact {
  std::string name;
  std::string role, email, phone, hours;  // empty: not said; an email or a phone there is
};

// Everything that is empty was not said, by the cluster or by `defaults`.
struct Cluster {
  std::string name;                // in lifeboat.yaml and in the repository
  std::string connection;          // CONNINFO, without a password
  std::filesystem::path pgdata;    // absolute
  std::string repository;          // a location; a directory is absolute. Never empty
  std::filesystem::path key_file;  // absolute
  std::string slot;
  Objectives objectives;
  std::vector<Contact> contacts;
};

struct Config {
  std::filesystem::path file;
  std::vector<Cluster> clusters;  // in the order of the file, at least one
};

// Throws base::Error(usage) when a connection string cannot be read or holds a password; how libpq reads them is not
// known here.
using RefuseConnection = std::function<void(const std::string& conninfo)>;

// Parses and checks the whole file. Paths that are not absolute are taken from the folder of the file. Throws
// base::Error(usage): it cannot be read, or "FILE:LINE:COLUMN: …" where something in it is wrong, with a remedy.
[[nodiscard]] Config load(const std::filesystem::path& file, const RefuseConnection& refuse_connection);

// Throws base::Error(usage) when there is no such cluster, naming those there are.
[[nodiscard]] const Cluster& cluster_named(const Config& config, const std::string& name);

// What ${…} stands for in a scenario that is run for this cluster.
[[nodiscard]] scenario::Variables variables_for(const Config& config, const Cluster& cluster);

// "Database team (primary), dba@example.org, +49 …, 24/7"
[[nodiscard]] std::string to_string(const Contact& contact);

}  // namespace harness::config
