// A stored cluster that acts on the world around it in every way that a restored copy of it must not: it archives,
// loads libraries that run jobs, subscribes to a publisher, is to follow a primary, runs commands when it recovers,
// logs and listens elsewhere, and calls others out of event triggers, functions and foreign tables. And whoever would
// notice: a directory of marks, a living publisher, listeners that count. The cluster itself is started without its
// configuration; copies of it are not.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backup_engine/postgres/connection.hpp"
#include "harness/server/server.hpp"
#include "tests/pg/drill/stored_cluster.hpp"
#include "tests/pg/quarantine/counting_listener.hpp"

namespace harness {

class ActingSource {
 public:
  ActingSource();  // made, run, stored in a repository and copied by pg_basebackup; throws what goes wrong

  // What was done to the world since the last time it was forgotten, each by its name.
  [[nodiscard]] std::set<std::string> deeds();
  void forget_deeds();
  [[nodiscard]] bool is_subscribed_to() const;  // at this moment: what the publisher keeps for the copies is in use
  // Every one of them that a copy does by itself once it is a primary.
  [[nodiscard]] std::set<std::string> deeds_of_a_primary() const;

  enum class Recovery { archive, standby };
  // A fresh copy, ready to recover; its configuration as it was, and `more` lines at its end.
  [[nodiscard]] std::filesystem::path copy(Recovery recovery, const std::string& more = "");
  // How a server on a copy is started that is told nothing but where its data lies, the way an operator would. It
  // answers by TCP.
  [[nodiscard]] process::Command plainly(const std::filesystem::path& copy) const;
  [[nodiscard]] std::string conninfo_of_plain_one(const std::string& database = "postgres") const;
  [[nodiscard]] std::string log_of_plain_ones()
      const;  // what their logging collectors wrote since deeds were forgotten
  // On a copy, with the settings of quarantine and without the source's restore_command, as whoever restores has it.
  [[nodiscard]] server::ServerOptions quarantined(const std::filesystem::path& copy) const;

  // `lifeboat run` of what was written as SCENARIO, by the user whose the repository is; recorded below "operator's".
  [[nodiscard]] drill::StoredCluster::Ended drill_as_operator(const std::string& scenario) const;
  [[nodiscard]] const drill::StoredCluster& stored() const { return stored_; }
  [[nodiscard]] std::filesystem::path marks() const { return stored_.path("marks"); }
  [[nodiscard]] std::filesystem::path further_configuration() const { return stored_.path("further.conf"); }
  [[nodiscard]] std::filesystem::path file_that_promotes() const { return stored_.path("promote"); }  // 15 only
  [[nodiscard]] int major() const { return installation_.version.major(); }

 private:
  [[nodiscard]] std::string settings() const;
  [[nodiscard]] server::ServerOptions options(const std::string& name) const;
  void run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments) const;
  [[nodiscard]] std::string call(const std::string& who) const;
  void start_publisher();
  void fill() const;
  void store();

  server::Installation installation_;
  std::optional<process::OsUser> user_;
  drill::StoredCluster stored_;
  std::map<std::string, CountingListener> listeners_;  // by who is called there
  int plain_port_ = 0;
  std::optional<server::Server> publisher_;
  std::size_t publisher_told_ = 0;  // bytes of its log
  int copies_ = 0;
};

}  // namespace harness
