#include "harness/extract/programs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <optional>
#include <sstream>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/process/subprocess.hpp"

namespace harness::extract {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using base::Deadline;
using base::Error;
using base::ErrorKind;

namespace {

constexpr auto patience_after_interrupt = std::chrono::seconds(30);

// libpq reads passfile, service file and the like from the environment.
std::map<std::string, std::string> client_environment() {
  std::map<std::string, std::string> environment;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const auto equals = text.find('=');
    const auto name = text.substr(0, equals);
    if (name.starts_with("PG") || name == "HOME" || name == "USER") environment[name] = text.substr(equals + 1);
  }
  return environment;
}

process::Command command_of(const fs::path& program, const std::vector<std::string>& arguments, const fs::path& log) {
  process::Command command;
  command.program = program;
  command.arguments = arguments;
  command.environment = client_environment();
  command.output_file = log;
  return command;
}

std::string first_error(const std::string& output) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("error: ") != std::string::npos || line.find("ERROR:  ") != std::string::npos) return line;
  }
  return output.substr(0, output.find('\n'));
}

// "psql:FILE:LINE: ERROR:  55P03: canceling statement …", as VERBOSITY verbose has it. The last one ended it.
void read_error(const std::string& output, Programs::Told& told) {
  constexpr std::size_t sqlstate_length = 5;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    for (const std::string_view severity : {"ERROR:  ", "FATAL:  ", "error: "}) {
      const auto at = line.find(severity);
      if (at == std::string::npos) continue;
      told.message = line.substr(at + severity.size());
      told.sqlstate.clear();
      if (told.message.size() > sqlstate_length + 2 && told.message.substr(sqlstate_length, 2) == ": ") {
        told.sqlstate = told.message.substr(0, sqlstate_length);
        told.message.erase(0, sqlstate_length + 2);
      }
      break;
    }
  }
}

// "3442; 2606 16957 FK CONSTRAINT shop orders orders_customer postgres"
Programs::Entry entry_of(const std::string& line) {
  std::size_t at = 0;
  for (int word = 0; word < 3 && at != std::string::npos; ++word) at = line.find(' ', at) + 1;
  return {line, line.substr(at)};
}

}  // namespace

std::string Programs::run(const std::string& program, const std::vector<std::string>& arguments, const std::string& log,
                          base::Progress* progress, const fs::path& growing) const {
  const auto log_file = directory_ / log;
  fs::remove(log_file);
  const auto command = command_of(server::require_program(installation_, program), arguments, log_file);
  auto running = process::Subprocess::start(command);
  std::uint64_t seen = 0;
  std::optional<process::ExitStatus> status;
  base::poll_until(
      Deadline::never(), program,
      [&]() -> std::optional<std::string> {
        status = running.poll();
        std::error_code absent;
        const auto size = progress == nullptr ? 0 : fs::file_size(growing, absent);
        if (progress != nullptr && !absent && size > seen) {
          progress->advance(size - seen);
          seen = size;
        }
        return status ? std::nullopt : std::optional<std::string>("it runs");
      },
      stop_);
  auto output = base::read_file(log_file);
  if (status->success()) return output;
  throw Error(ErrorKind::server, fmt::format("{} failed: {}", program, first_error(output)))
      .of_command(process::to_text(command));
}

fs::path Programs::dump(const std::string& conninfo, std::vector<std::string> arguments, const std::string& name,
                        base::Progress* progress) const {
  auto file = directory_ / name;
  arguments.insert(arguments.end(), {"--file", file.string(), "--no-publications", "--no-subscriptions",
                                     "--no-password", "--dbname", conninfo});
  run("pg_dump", arguments, name + ".log", progress, file);
  return file;
}

std::vector<Programs::Entry> Programs::list(const fs::path& archive, Section section) const {
  const auto* const name = section == Section::before_data ? "pre-data" : "post-data";
  const auto output = run("pg_restore", {"--list", fmt::format("--section={}", name), archive.string()},
                          fmt::format("{}.{}.list", archive.filename().string(), name), nullptr, {});
  std::vector<Entry> entries;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.front() != ';') entries.push_back(entry_of(line));
  }
  return entries;
}

fs::path Programs::write(const fs::path& archive, const std::vector<Entry>& entries, const std::string& name) const {
  auto file = directory_ / name;
  std::string text;
  for (const auto& entry : entries) text += entry.line + "\n";
  if (text.empty()) {
    base::write_file_atomically(file, "", 0600);
    return file;
  }
  const auto chosen = directory_ / (name + ".chosen");
  base::write_file_atomically(chosen, text, 0600);
  run("pg_restore", {"--use-list", chosen.string(), "--file", file.string(), archive.string()}, name + ".log", nullptr,
      {});
  return file;
}

fs::path Programs::copy_out(const std::string& conninfo, const std::string& relation, const std::string& name) const {
  auto file = directory_ / name;
  run("psql",
      {"--no-psqlrc", "--no-password", "--set", "ON_ERROR_STOP=1", "--dbname", conninfo, "--output", file.string(),
       "--command", fmt::format("COPY (SELECT * FROM {}) TO STDOUT", relation)},
      name + ".log", nullptr, {});
  return file;
}

Programs::Told Programs::psql(const std::string& conninfo, const fs::path& script) const {
  const auto log_file = fs::path(script.string() + ".log");
  fs::remove(log_file);
  const auto command =
      command_of(server::require_program(installation_, "psql"),
                 {"--no-psqlrc", "--no-password", "--set", "ON_ERROR_STOP=1", "--set", "VERBOSITY=verbose", "--set",
                  "SHOW_CONTEXT=never", "--file", script.string(), "--dbname", conninfo},
                 log_file);
  auto running = process::Subprocess::start(command);
  Told told;
  try {
    told.success = running.wait(Deadline::never(), stop_).success();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) {
      running.send(SIGINT);
      running.wait(Deadline::after(patience_after_interrupt));
    }
    throw;
  }
  told.output = base::read_file(log_file);
  if (!told.success) read_error(told.output, told);
  return told;
}

}  // namespace harness::extract
