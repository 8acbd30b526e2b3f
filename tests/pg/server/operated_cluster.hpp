// A server and the executable as its operator uses it: as the user that owns the cluster, in a directory with a
// repository of that user's. For the tests of verbs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/pg/server/disposable_cluster.hpp"

namespace harness::server {

class OperatedCluster : public DisposableCluster {
 protected:
  struct Ended {
    int code = -1;
    std::string words;  // stdout and stderr
  };

  OperatedCluster();  // the server runs; there is no repository yet

  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
  [[nodiscard]] std::string repository() const { return path("repository"); }
  [[nodiscard]] std::string pgdata() const { return source_.options().data_directory; }

  [[nodiscard]] process::Command command(const std::filesystem::path& program,
                                         const std::vector<std::string>& arguments) const;
  [[nodiscard]] virtual Ended lifeboat(const std::vector<std::string>& arguments) const;
  std::string lifeboat_ok(const std::vector<std::string>& arguments) const;  // its words; it must end with 0
  // In the background; its words go to path(NAME).
  [[nodiscard]] process::Subprocess started_lifeboat(const std::vector<std::string>& arguments,
                                                     const std::string& name) const;

  // `lifeboat wal receive` with these arguments, once it streams; its words go to receiver.log.
  [[nodiscard]] process::Subprocess receiving(const std::vector<std::string>& arguments) const;
  // Of the cluster shop into repository(), by a slot that it makes.
  [[nodiscard]] process::Subprocess receiving() const;
  void end(process::Subprocess& receiver) const;  // in good order
  void wait_until_acknowledged() const;           // all WAL so far, by the receiver

  // Of the cluster shop into repository(), by the data directory; its label.
  std::string back_up(const std::vector<std::string>& further = {}) const;

  [[nodiscard]] std::string ask(const std::string& sql) const { return source_.connect().query(sql).single(); }
  void run(const std::string& sql) const { source_.connect().execute(sql); }

  Server source_;
  std::map<std::string, std::string> environment_;  // of every program, beside the usual
};

}  // namespace harness::server
