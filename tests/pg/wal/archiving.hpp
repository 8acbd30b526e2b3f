// A real server whose archive_command is `lifeboat wal push`, for the tests of an archive without a receiver.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/process/subprocess.hpp"
#include "tests/pg/wal/receiving.hpp"

namespace tests {

class Archiving : public Receiving {
 protected:
  struct Ended {
    int code = -1;
    std::string words;
  };

  Archiving();

  [[nodiscard]] std::string push_command(const std::string& cluster = "main") const;
  // archive_mode = on, archive_command = lifeboat wal push, and what else is wanted.
  void start_archiving(std::map<std::string, std::string> settings = {});
  void set_archive_command(const std::string& command) const;
  // The executable, as the servers' user.
  [[nodiscard]] Ended lifeboat(const std::vector<std::string>& arguments) const;
  std::string lifeboat_ok(const std::vector<std::string>& arguments) const;
  [[nodiscard]] std::vector<std::string> in_cluster(std::vector<std::string> verb,
                                                    const std::vector<std::string>& more = {}) const;

  // Ends the segment being written; its name.
  std::string end_segment() const;
  // Until PostgreSQL was told that it is archived.
  void wait_until_archived(const std::string& file_name) const;
  // All segments that the server has completed are archived then.
  void archive_everything() { wait_until_archived(end_segment()); }
  [[nodiscard]] std::string archiver(const std::string& column) const;
  // Starts the directory and answers `query` once recovery has ended.
  [[nodiscard]] std::string answer_of(const std::string& directory, const std::string& query) const;

  std::filesystem::path lifeboat_;
};

}  // namespace tests
