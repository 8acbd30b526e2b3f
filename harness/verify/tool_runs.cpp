#include "harness/verify/tool_runs.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <map>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/temporary_directory.hpp"
#include "harness/verify/gin_indexes.hpp"
#include "harness/verify/lock_holders.hpp"

namespace harness::verify {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::system_error;
using reports::record::ToolRun;

namespace {

constexpr std::uint32_t shut_down_state = 1;  // DB_SHUTDOWNED, src/include/catalog/pg_control.h
constexpr std::size_t state_offset = 16;      // after system_identifier, pg_control_version and catalog_version_no
constexpr const char* no_lock = "canceling statement due to lock timeout";
constexpr const char* amcheck_schema = "lifeboat_amcheck";

ToolRun run_tool(const ToolOptions& options, const std::string& name, std::vector<std::string> arguments,
                 const std::map<std::string, std::string>& environment = {}) {
  process::Command command;
  command.environment = environment;
  command.program = options.bin_directory / name;
  command.arguments = arguments;
  command.run_as = options.run_as;
  const auto done = process::run(command, Deadline::after(options.limit), options.stop);
  if (done.status.signal != 0) {
    throw Error(ErrorKind::process, fmt::format("{} ended by {}", name, process::to_text(done.status)))
        .of_command(process::to_text(command))
        .with_log_tail(done.output);
  }
  return {name, std::move(arguments), done.status.code, done.output, done.seconds};
}

// The CRC stands right behind the struct, whose length differs between majors: it is where the bytes before it hash to.
std::size_t find_crc(const std::string& control) {
  const auto* bytes = reinterpret_cast<const std::byte*>(control.data());
  for (std::size_t at = 200; at + 4 <= std::min<std::size_t>(control.size(), 512); at += 4) {
    std::uint32_t stored = 0;
    std::memcpy(&stored, bytes + at, sizeof stored);
    if (backup_engine::base::crc32c({bytes, at}) == stored) return at;
  }
  throw Error(ErrorKind::corrupt, "global/pg_control carries no valid CRC-32C");
}

std::string as_shut_down(std::string control) {
  const auto crc_at = find_crc(control);
  std::memcpy(control.data() + state_offset, &shut_down_state, sizeof shut_down_state);
  const auto crc = backup_engine::base::crc32c({reinterpret_cast<const std::byte*>(control.data()), crc_at});
  std::memcpy(control.data() + crc_at, &crc, sizeof crc);
  return control;
}

bool is_shut_down(const std::string& control) {
  std::uint32_t state = 0;
  std::memcpy(&state, control.data() + state_offset, sizeof state);
  return state == shut_down_state || state == shut_down_state + 1;  // also shut down in recovery
}

void give_to(const std::optional<process::OsUser>& user, const fs::path& path) {
  if (user && ::chown(path.c_str(), user->uid, user->gid) != 0) throw system_error(errno, "chown", path.string());
}

// What pg_checksums reads, without the directory itself being touched: links to base and pg_tblspc, copies of the small
// global files with a pg_control that says "shut down".
void make_stand_in(const ToolOptions& options, const fs::path& directory, const fs::path& stand_in) {
  fs::create_directory(stand_in / "global");
  for (const auto& entry : fs::directory_iterator(directory / "global")) {
    if (!entry.is_regular_file()) continue;
    const auto copy = stand_in / "global" / entry.path().filename();
    if (entry.path().filename() == "pg_control") {
      backup_engine::base::write_file_atomically(copy, as_shut_down(backup_engine::base::read_file(entry.path())),
                                                 0600);
    } else {
      fs::copy_file(entry.path(), copy);
    }
    give_to(options.run_as, copy);
  }
  fs::copy_file(directory / "PG_VERSION", stand_in / "PG_VERSION");
  for (const auto* name : {"base", "pg_tblspc"}) fs::create_directory_symlink(directory / name, stand_in / name);
  for (const auto& path : {stand_in / "PG_VERSION", stand_in / "global", stand_in}) give_to(options.run_as, path);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Creates amcheck where it is missing and drops it again.
class LentExtension {
 public:
  explicit LentExtension(const Cluster& cluster) : cluster_(cluster) {
    try {
      for (const auto& database : all_databases(cluster)) lend(database);
    } catch (...) {
      take_back();
      throw;
    }
  }
  ~LentExtension() { take_back(); }
  LentExtension(const LentExtension&) = delete;
  LentExtension& operator=(const LentExtension&) = delete;

 private:
  void lend(const std::string& database) {
    auto connection = cluster_.connect(database);
    if (!connection.query("SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'amcheck'").empty()) return;
    databases_.push_back(database);
    connection.execute(
        fmt::format("BEGIN; CREATE SCHEMA {0}; CREATE EXTENSION amcheck SCHEMA {0}; COMMIT", amcheck_schema));
  }

  // The target is disposable: when it is already gone there is nothing to take back.
  void take_back() noexcept {
    for (const auto& database : databases_) {
      try {
        cluster_.connect(database).execute(
            fmt::format("SET client_min_messages = error; DROP EXTENSION IF EXISTS amcheck; "
                        "DROP SCHEMA IF EXISTS {}",
                        amcheck_schema));
      } catch (const std::exception&) {
        continue;
      }
    }
    databases_.clear();
  }

  const Cluster& cluster_;
  std::vector<std::string> databases_;
};

}  // namespace

ToolRun run_verifybackup(const ToolOptions& options, const fs::path& directory) {
  return run_tool(options, "pg_verifybackup", {"--no-parse-wal", directory.string()});
}

ToolRun run_controldata(const ToolOptions& options, const fs::path& directory) {
  return run_tool(options, "pg_controldata", {directory.string()});
}

ToolRun run_checksums(const ToolOptions& options, const fs::path& directory) {
  const auto control = backup_engine::base::read_file(directory / "global" / "pg_control");
  if (is_shut_down(control)) return run_tool(options, "pg_checksums", {"--check", "--pgdata", directory.string()});
  const backup_engine::base::TemporaryDirectory stand_in(directory.parent_path(), "checksums");
  make_stand_in(options, directory, stand_in.path());
  auto run = run_tool(options, "pg_checksums", {"--check", "--pgdata", stand_in.path().string()});
  run.output = replaced(std::move(run.output), stand_in.path().string(), directory.string());
  return run;
}

ToolRun run_amcheck(const ToolOptions& options, const Cluster& cluster,
                    const std::vector<std::string>& connection_arguments) {
  const LentExtension lent(cluster);
  auto arguments = connection_arguments;
  const auto which = cluster.scope.kind == Scope::Kind::only ? "--database=" + scoped_database(cluster) : "--all";
  arguments.insert(arguments.end(), {which, "--heapallindexed", "--no-password", "--progress"});
  auto run = run_tool(options, "pg_amcheck", std::move(arguments), {{"PGOPTIONS", cluster.session_options}});
  if (run.output.find(no_lock) != std::string::npos) {
    run.output = fmt::format("a lock did not come free{}\n{}", prepared_lock_holders(cluster), run.output);
  }
  check_gin_indexes(cluster, run);
  return run;
}

}  // namespace harness::verify
