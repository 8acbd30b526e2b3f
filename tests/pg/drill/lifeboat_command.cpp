#include "tests/pg/drill/lifeboat_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "reports/record/journal.hpp"
#include "tests/support/places.hpp"

namespace harness::drill {

namespace base = backup_engine::base;
namespace fs = std::filesystem;

namespace {

base::Deadline patience() {
  return base::Deadline::after(std::chrono::minutes(5));
}

process::Command command_for(const Arguments& arguments) {
  process::Command command;
  command.program = tests::lifeboat_program();
  for (const auto* const name : {"HOME", "XDG_CACHE_HOME"}) {  // where the caller's template clusters are
    if (const auto* const value = std::getenv(name)) command.environment[name] = value;
  }
  command.arguments = arguments;
  // The PostgreSQL that the environment names for tests, where the test itself does not name one.
  const auto* const bin_directory = std::getenv("LIFEBOAT_TEST_PG_BINDIR");
  const bool named = std::find(arguments.begin(), arguments.end(), "--pg-bindir") != arguments.end();
  if (bin_directory != nullptr && !named && !arguments.empty() && arguments[0] == "run") {
    command.arguments.insert(command.arguments.end(), {"--pg-bindir", bin_directory});
  }
  command.parent_death_signal = SIGTERM;
  return command;
}

// A file of /proc or a marker, as it is at this moment; empty when its owner has just ended.
std::string read_or_nothing(const fs::path& file) {
  try {
    return base::read_file(file);
  } catch (const base::Error&) {
    return {};
  }
}

}  // namespace

fs::path source_path(const std::string& inside) {
  return tests::source_directory() / inside;
}

LifeboatCommand::LifeboatCommand() {
  fs::permissions(directory_.path(), fs::perms(0755));
}

LifeboatCommand::Ended LifeboatCommand::lifeboat(const Arguments& arguments,
                                                 const std::map<std::string, std::string>& environment) const {
  auto command = command_for(arguments);
  for (const auto& [name, value] : environment) command.environment[name] = value;
  const auto done = process::run(command, patience());
  EXPECT_EQ(done.status.signal, 0) << done.output;
  return {done.status.code, done.output};
}

process::Subprocess LifeboatCommand::started(const Arguments& arguments, const std::string& name) const {
  auto command = command_for(arguments);
  command.output_file = path(name);
  return process::Subprocess::start(command);
}

fs::path LifeboatCommand::drill_directory(const std::string& scenario) const {
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(fs::path(out()) / scenario, absent)) {
    if (!entry.is_symlink()) return entry.path();
  }
  return {};
}

void LifeboatCommand::wait_for_event(const std::string& scenario, const std::string& event, int count) const {
  base::poll_until(
      patience(), fmt::format("{} in the journal of {}", event, scenario), [&]() -> std::optional<std::string> {
        const auto journal = drill_directory(scenario) / "journal.jsonl";
        if (!fs::exists(journal)) return "no journal yet";
        const auto events = reports::record::read_journal(journal);
        const auto seen = std::count_if(events.begin(), events.end(), [&](const auto& e) { return e.event == event; });
        if (seen >= count) return std::nullopt;
        return events.empty() ? "nothing happened yet" : events.back().event;
      });
}

std::vector<std::string> LifeboatCommand::processes() const {
  std::vector<std::string> found;
  const auto place = directory_.path().string();
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto pid = entry.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos || pid == std::to_string(::getpid())) continue;
    auto line = read_or_nothing(entry.path() / "cmdline");
    std::replace(line.begin(), line.end(), '\0', ' ');
    std::error_code gone;
    const auto works_in = fs::read_symlink(entry.path() / "cwd", gone).string();
    if (line.find(place) != std::string::npos || works_in.rfind(place, 0) == 0) found.push_back(pid + " " + line);
  }
  return found;
}

void LifeboatCommand::wait_until_no_process_is_left() const {
  base::poll_until(patience(), "every process of the drill to end", [this]() -> std::optional<std::string> {
    const auto left = processes();
    return left.empty() ? std::nullopt : std::optional(left.front());
  });
}

std::vector<fs::path> LifeboatCommand::directories_made_by(pid_t pid) const {
  std::vector<fs::path> parents = {"/tmp", "/var/tmp"};
  std::error_code absent;
  for (const auto& scenario : fs::directory_iterator(out(), absent)) {
    if (!scenario.is_directory()) continue;
    for (const auto& drill : fs::directory_iterator(scenario, absent)) parents.push_back(drill);
  }
  std::vector<fs::path> made;
  for (const auto& parent : parents) {
    for (const auto& entry : fs::directory_iterator(parent, absent)) {
      const auto marker = read_or_nothing(entry.path() / ".lifeboat-owner");
      if (marker.find(fmt::format("\npid {}\n", pid)) != std::string::npos) made.push_back(entry.path());
    }
  }
  return made;
}

std::string LifeboatCommand::write_scenario(const std::string& name, const std::string& load) const {
  const auto file = path(name + ".yaml");
  std::ofstream(file) << fmt::format(R"(scenario: {}
claim: A drill that is interrupted leaves nothing behind.
source:
  provision: {{ dataset: ecommerce, scale: 1, checksums: true }}
  load: {{ writers: 2, rate: unlimited }}
  wal: {{ by: stream, synchronous: false }}
timeline:
  - load: {{ for: 200ms }}
  - backup: full
  - mark: after-backup
  - load: {{ for: {}, keep_running: true }}
  - disaster: lose_server
restore: {{ kind: full, target: end_of_wal }}
verify: [ledger, content]
objectives: {{ rto: 60s, rpo: 5s }}
)",
                                     name, load);
  return file.string();
}

}  // namespace harness::drill
