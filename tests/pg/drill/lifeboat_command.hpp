// The executable as its users meet it: a command line, an exit code and words, in a directory that the servers' user
// can reach and that goes when the test goes.
#pragma once

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "backup_engine/base/temporary_directory.hpp"
#include "harness/process/subprocess.hpp"

namespace harness::drill {

using Arguments = std::vector<std::string>;

[[nodiscard]] std::filesystem::path source_path(const std::string& inside);  // in the source tree

class LifeboatCommand : public testing::Test {
 protected:
  struct Ended {
    int code = -1;
    std::string words;  // stdout and stderr
  };

  LifeboatCommand();

  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
  [[nodiscard]] std::string out() const { return path("drills").string(); }

  [[nodiscard]] Ended lifeboat(const Arguments& arguments,
                               const std::map<std::string, std::string>& environment = {}) const;
  // In the background; its words go to path(NAME).
  [[nodiscard]] process::Subprocess started(const Arguments& arguments, const std::string& name) const;

  // The drill directory of SCENARIO's first drill below out(), once it exists.
  [[nodiscard]] std::filesystem::path drill_directory(const std::string& scenario) const;
  // Until the journal of SCENARIO's drill tells of `event` for the `count`-th time.
  void wait_for_event(const std::string& scenario, const std::string& event, int count = 1) const;

  // Every process that works below, or was told of, `directory_`: "PID COMMAND LINE".
  [[nodiscard]] std::vector<std::string> processes() const;
  void wait_until_no_process_is_left() const;
  // lifeboat-XXXXXX below the directories where Lifeboat makes them, whose maker is `pid`.
  [[nodiscard]] std::vector<std::filesystem::path> directories_made_by(pid_t pid) const;
  // Writes a scenario whose load runs for `load`, and returns its path.
  [[nodiscard]] std::string write_scenario(const std::string& name, const std::string& load) const;

  backup_engine::base::TemporaryDirectory directory_{"/var/tmp", "lifeboat-test"};
};

}  // namespace harness::drill
