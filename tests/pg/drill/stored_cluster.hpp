// A cluster that Lifeboat did not make, backed up by the verbs as its operator does, for drills of its backups: the
// server with a WAL receiver beside it, and a repository. One for all tests of a suite: they only read.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/server/owned_directory.hpp"
#include "harness/server/server.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

class StoredCluster {
 public:
  enum class Repository { in_the_clear, encrypted };
  // `unwritten`: settings that the source is given on its command line, and no file holds.
  explicit StoredCluster(Repository repository = Repository::in_the_clear,
                         const std::map<std::string, std::string>& unwritten = {});
  ~StoredCluster();
  StoredCluster(const StoredCluster&) = delete;
  StoredCluster& operator=(const StoredCluster&) = delete;

  struct Ended {
    int code = -1;
    std::string words;
  };
  // As the operator, who owns cluster and repository; --key-file is added where a verb needs it.
  [[nodiscard]] Ended lifeboat(const std::vector<std::string>& arguments) const;
  // `lifeboat backup` with these further arguments; fails the test when it fails. Returns the label.
  std::string back_up(const std::vector<std::string>& further = {}) const;
  // The same in the background; its words go to path("backup.log").
  [[nodiscard]] process::Subprocess begin_backup(const std::vector<std::string>& further) const;
  [[nodiscard]] std::vector<std::string> backup_arguments() const;

  [[nodiscard]] backup_engine::postgres::Connection connect(const std::string& database = "postgres") const {
    return source_->connect(database);
  }
  [[nodiscard]] std::string conninfo() const { return source_->conninfo(); }
  void run(const std::string& sql) const { connect().execute(sql); }
  std::string ask(const std::string& sql) const { return connect().query(sql).single(); }
  void wait_until_acknowledged() const;  // all WAL so far, by the receiver
  void branch_off();                     // the source goes on, on a new timeline, with a receiver of it
  void end_receiver();                   // in good order; nothing is written to the repository any more

  // NAME.yaml below scenarios(), over this repository; `further` stands in the source's braces, `rest` are lines.
  void write_scenario(const std::string& name, const std::string& further, const std::string& rest) const;
  // As whoever runs the test, with the fixtures at hand: run, plan, judge.
  [[nodiscard]] static Ended as_caller(std::vector<std::string> arguments);
  // `lifeboat run` of all that were written, two at a time.
  [[nodiscard]] Ended drill() const;
  [[nodiscard]] reports::record::Report report(const std::string& scenario) const;
  [[nodiscard]] std::filesystem::path drill_directory(const std::string& scenario) const;

  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
  [[nodiscard]] std::string repository() const { return path("repository"); }
  [[nodiscard]] std::filesystem::path scenarios() const { return path("scenarios"); }
  [[nodiscard]] std::vector<std::string> left_in_work() const;  // what drills left where their servers lay

 private:
  [[nodiscard]] process::Command command(const std::vector<std::string>& arguments) const;
  void start_receiver();

  std::optional<process::OsUser> user_;
  server::OwnedDirectory directory_;
  Repository kind_;
  std::optional<server::Server> source_;
  std::optional<process::Subprocess> receiver_;
};

// The verdict of a check, and all that it says: for messages.
[[nodiscard]] reports::record::Check check_of(const reports::record::Report& report, const std::string& name);
[[nodiscard]] std::string all_words(const reports::record::Report& report);

}  // namespace harness::drill
