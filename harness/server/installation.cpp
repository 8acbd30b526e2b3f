#include "harness/server/installation.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "backup_engine/base/error.hpp"
#include "harness/process/subprocess.hpp"

namespace harness::server {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::postgres::Version;

namespace {

constexpr auto version_patience = std::chrono::seconds(20);

bool executable(const fs::path& program) {
  return ::access(program.c_str(), X_OK) == 0 && fs::is_regular_file(program);
}

// /usr/lib/postgresql/MAJOR/bin of every major, then the directories of PATH.
std::vector<fs::path> candidate_directories() {
  std::vector<fs::path> candidates;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", absent)) {
    candidates.push_back(entry.path() / "bin");
  }
  const char* path = std::getenv("PATH");
  std::istringstream words(path == nullptr ? "" : path);
  for (std::string word; std::getline(words, word, ':');) {
    if (!word.empty() && word.front() == '/') candidates.emplace_back(word);
  }
  return candidates;
}

Version version_of(const fs::path& bin_directory) {
  process::Command command;
  command.program = bin_directory / "postgres";
  command.arguments = {"--version"};
  const auto done = process::run(command, Deadline::after(version_patience));
  const auto version = parse_version_line(done.output);
  if (!done.status.success() || !version) {
    throw Error(ErrorKind::process, fmt::format("cannot tell the version of {}: {}", command.program.string(),
                                                process::to_text(done.status)))
        .of_command(process::to_text(command))
        .with_log_tail(done.output);
  }
  return *version;
}

}  // namespace

std::optional<Version> parse_version_line(const std::string& line) {
  constexpr std::string_view before = "(PostgreSQL) ";
  const auto found = line.find(before);
  if (found == std::string::npos) return std::nullopt;
  const char* at = line.data() + found + before.size();
  const char* const end = line.data() + line.size();
  int major = 0;
  const auto [after_major, error] = std::from_chars(at, end, major);
  if (error != std::errc() || major < 1 || major > 999) return std::nullopt;
  int minor = 0;  // "17devel" and "18beta1" have none
  if (after_major != end && *after_major == '.') std::from_chars(after_major + 1, end, minor);
  return Version(major * 10000 + minor);
}

std::string apt_line(int major, const std::string& program) {
  // Debian keeps the client programs in a package of their own, which the server's depends on.
  static const std::vector<std::string> client_programs = {"psql",    "pg_receivewal",   "pg_basebackup",
                                                           "pg_dump", "pg_verifybackup", "pg_amcheck"};
  const bool client = std::find(client_programs.begin(), client_programs.end(), program) != client_programs.end();
  return fmt::format("apt-get install postgresql-{}{}", client ? "client-" : "", major);
}

fs::path require_program(const Installation& installation, const std::string& name) {
  auto program = installation.program(name);
  if (executable(program)) return program;
  throw Error(ErrorKind::not_found,
              fmt::format("{} of PostgreSQL {} is missing: {}", name, installation.version.major(), program.string()))
      .with_remedy(apt_line(installation.version.major(), name));
}

std::vector<Installation> find_installations(const std::optional<fs::path>& bin_directory) {
  if (bin_directory) {
    for (const auto* name : {"postgres", "initdb"}) {
      if (executable(*bin_directory / name)) continue;
      throw Error(ErrorKind::not_found, fmt::format("no {} in {}", name, bin_directory->string()))
          .with_remedy(
              "name the directory that holds a PostgreSQL server's programs, for example "
              "/usr/lib/postgresql/15/bin, or leave --pg-bindir out");
    }
    const auto directory = fs::canonical(*bin_directory);
    return {{directory, version_of(directory)}};
  }
  std::vector<Installation> found;
  for (const auto& candidate : candidate_directories()) {
    std::error_code absent;
    if (!executable(candidate / "postgres") || !executable(candidate / "initdb")) continue;
    // PATH may hold links to what Debian's layout already gave.
    const auto directory = fs::canonical(candidate / "postgres", absent).parent_path();
    const bool known = std::any_of(found.begin(), found.end(),
                                   [&](const Installation& other) { return other.bin_directory == directory; });
    if (absent || known) continue;
    try {
      found.push_back({directory, version_of(directory)});
    } catch (const Error&) {
      // A broken installation that nobody asked for must not stop those that work.
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Installation& a, const Installation& b) { return a.version > b.version; });
  return found;
}

Installation choose_installation(const std::vector<Installation>& found, std::optional<int> major) {
  namespace pg = backup_engine::postgres;
  const auto known = fmt::format("Lifeboat knows {} to {}", pg::oldest_supported_major, pg::newest_supported_major);
  if (major && !pg::supported(*major)) {
    throw Error(ErrorKind::unsupported, fmt::format("PostgreSQL {} is not supported", *major)).with_remedy(known);
  }
  for (const auto& installation : found) {
    const int its_major = installation.version.major();
    if (major ? its_major == *major : pg::supported(its_major)) return installation;
  }
  if (major) {
    throw Error(ErrorKind::not_found, fmt::format("PostgreSQL {} is not installed", *major))
        .with_remedy(apt_line(*major, "postgres") + ", or name its directory with --pg-bindir");
  }
  if (found.empty()) {
    throw Error(ErrorKind::not_found, "no PostgreSQL server is installed: none below /usr/lib/postgresql, none in PATH")
        .with_remedy("apt-get install postgresql, or name the directory of its programs with --pg-bindir");
  }
  throw Error(ErrorKind::unsupported,
              fmt::format("PostgreSQL {} in {} is not supported", pg::to_string(found.front().version),
                          found.front().bin_directory.string()))
      .with_remedy(known + "; apt-get install postgresql");
}

}  // namespace harness::server
