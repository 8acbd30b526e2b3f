#include "harness/provision/template_cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/sha256.hpp"
#include "harness/provision/file_list.hpp"
#include "harness/server/owned_directory.hpp"

namespace harness::provision {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::UniqueFd;

namespace {

constexpr auto lock_patience = std::chrono::minutes(3);
constexpr auto initdb_patience = std::chrono::minutes(2);
constexpr auto scratch_parent = "/var/tmp";  // initdb's user may be unable to reach the cache

std::vector<std::string> initdb_arguments(const ClusterOptions& options) {
  std::vector<std::string> arguments = {"--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                                        "--locale-provider=libc", "--no-instructions",
                                        // The template is no cluster anyone relies on; servers run with fsync on.
                                        "--no-sync"};
  constexpr int checksums_became_default = 18;
  if (options.checksums) {
    arguments.emplace_back("--data-checksums");
  } else if (options.installation.version.major() >= checksums_became_default) {
    arguments.emplace_back("--no-data-checksums");
  }
  return arguments;
}

UniqueFd lock(const fs::path& file, int mode) {
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) throw backup_engine::base::system_error(errno, "open", file.string());
  backup_engine::base::poll_until(Deadline::after(lock_patience), "the lock " + file.string(),
                                  [&]() -> std::optional<std::string> {
                                    if (::flock(fd.get(), mode | LOCK_NB) == 0) return std::nullopt;
                                    return "another run makes this template";
                                  });
  return fd;
}

// False when there is no whole template; the data directory is then absent again.
bool try_copy(const fs::path& made, const ClusterOptions& options) {
  try {
    const auto list = parse_file_list(backup_engine::base::read_file(made / "files"));
    if (!list) return false;
    copy_files(*list, made / "data", options.data_directory, options.run_as);
    return true;
  } catch (const Error& error) {
    fs::remove_all(options.data_directory);
    // A file of the template that is missing or damaged; anything else would strike the new one too.
    if (error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::corrupt) return false;
    throw;
  }
}

void run_initdb(const fs::path& data_directory, const ClusterOptions& options) {
  process::Command command;
  command.program = server::require_program(options.installation, "initdb");
  command.arguments = initdb_arguments(options);
  command.arguments.push_back("--pgdata=" + data_directory.string());
  command.run_as = options.run_as;
  const auto done = process::run(command, Deadline::after(initdb_patience));
  if (done.status.success()) return;
  throw Error(ErrorKind::process, fmt::format("initdb ended with {}", process::to_text(done.status)))
      .of_command(process::to_text(command))
      .with_log_tail(done.output);
}

bool belongs_in_template(const std::string& path) {
  return path.rfind("pg_wal/", 0) != 0 && path != "postmaster.pid" && path != "postmaster.opts";
}

void make_template(const fs::path& made, const ClusterOptions& options) {
  server::reclaim_abandoned(scratch_parent);
  const auto scratch = server::OwnedDirectory::create(scratch_parent, options.run_as);
  run_initdb(scratch.path() / "data", options);
  const auto list = list_files(scratch.path() / "data", belongs_in_template);
  // Both names are given by Lifeboat only, in its own cache and under the lock: what a killed run left half-made, and
  // the broken one that is replaced.
  const auto fresh = fs::path(made.string() + ".new");
  fs::remove_all(fresh);
  fs::create_directory(fresh);
  copy_files(list, scratch.path() / "data", fresh / "data", std::nullopt);
  backup_engine::base::write_file_atomically(fresh / "files", to_text(list));
  fs::remove_all(made);
  fs::rename(fresh, made);
}

}  // namespace

fs::path template_directory() {
  const auto* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && cache[0] == '/') return fs::path(cache) / "lifeboat" / "templates";
  const auto* home = std::getenv("HOME");
  // A home that is not there (nobody's) is not made.
  if (home != nullptr && home[0] == '/' && fs::is_directory(home)) {
    return fs::path(home) / ".cache" / "lifeboat" / "templates";
  }
  throw Error(ErrorKind::usage, "there is no place for the cache: XDG_CACHE_HOME is not set and HOME is no directory")
      .with_remedy("set XDG_CACHE_HOME to a directory that may be written to");
}

std::string template_name(const ClusterOptions& options) {
  const auto version = backup_engine::postgres::to_string(options.installation.version);
  const auto digest =
      backup_engine::base::sha256_hex(fmt::format("1\n{}\n{}\n{}", options.installation.bin_directory.string(), version,
                                                  fmt::join(initdb_arguments(options), "\n")));
  return fmt::format("{}-{}-{}", version, options.checksums ? "checksums" : "plain", digest.substr(0, 16));
}

void copy_template(const ClusterOptions& options) {
  const auto directory = template_directory();
  std::error_code failure;
  fs::create_directories(directory, failure);
  if (failure) {
    throw backup_engine::base::system_error(failure.value(), "create the cache", directory.string())
        .with_remedy("set XDG_CACHE_HOME to a directory that may be written to");
  }
  const auto made = directory / template_name(options);
  const auto lock_file = directory / (made.filename().string() + ".lock");
  {
    const auto shared = lock(lock_file, LOCK_SH);
    if (try_copy(made, options)) return;
  }
  const auto exclusive = lock(lock_file, LOCK_EX);
  if (try_copy(made, options)) return;  // somebody else made it meanwhile
  make_template(made, options);
  if (try_copy(made, options)) return;
  throw Error(ErrorKind::corrupt, fmt::format("the template just made in {} does not hold", made.string()))
      .with_remedy("check the file system's health, or set XDG_CACHE_HOME to another one");
}

}  // namespace harness::provision
