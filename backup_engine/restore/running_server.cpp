#include "backup_engine/restore/running_server.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <set>
#include <sstream>
#include <vector>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/file.hpp"

namespace backup_engine::restore {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t shared_memory_line = 6;  // of postmaster.pid, from 0: key and id

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool is_alive(pid_t process) {
  return ::kill(process, 0) == 0 || errno == EPERM;
}

// A server works in its data directory. Not known when /proc does not tell.
std::optional<fs::path> working_directory(const fs::path& process_folder) {
  std::error_code error;
  auto path = fs::read_symlink(process_folder / "cwd", error);
  return error ? std::nullopt : std::optional(std::move(path));
}

// By what the directory is: a server in a container, or below another mount, has another path to it. Not known when
// /proc does not tell.
std::optional<bool> works_in(const fs::path& process_folder, const fs::path& directory) {
  std::error_code error;
  const bool same = fs::equivalent(process_folder / "cwd", directory, error);
  return error ? std::nullopt : std::optional(same);
}

// A process id is given to another program once its owner is gone: that one works elsewhere.
bool runs_there(pid_t process, const fs::path& directory) {
  if (process <= 1 || process == ::getpid() || !is_alive(process)) return false;
  return works_in(fmt::format("/proc/{}", process), directory).value_or(true);
}

// Processes of a server whose postmaster was killed hold its shared memory on.
bool is_attached(const std::string& key_and_id) {
  unsigned long key = 0, id = 0;
  if (!(std::istringstream(key_and_id) >> key >> id)) return false;
  struct shmid_ds segment {};
  if (::shmctl(static_cast<int>(id), IPC_STAT, &segment) != 0) return false;
  return static_cast<unsigned long>(static_cast<unsigned>(segment.shm_perm.__key)) == key && segment.shm_nattch > 0;
}

struct ServerProcess {
  std::string id;
  fs::path folder;  // /proc/4711
  fs::path works_in;
};

// Several of the same server: each of its processes.
std::vector<ServerProcess> server_processes() {
  std::vector<ServerProcess> found;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (!base::is_number(name)) continue;
    const auto works_in = working_directory(entry->path());
    if (!works_in) continue;
    std::string program;
    try {
      program = base::read_file(entry->path() / "comm");
    } catch (const std::exception&) {
      continue;  // it has just ended
    }
    if (program == "postgres\n" || program == "postmaster\n") found.push_back({name, entry->path(), *works_in});
  }
  return found;
}

std::optional<std::string> find_in_proc(const fs::path& directory) {
  for (const auto& process : server_processes()) {
    if (works_in(process.folder, directory).value_or(false)) {
      return fmt::format("process {}, which works in it", process.id);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_server_of(const fs::path& data_directory) {
  std::error_code error;
  const auto lock_file = data_directory / "postmaster.pid";
  if (fs::exists(fs::symlink_status(lock_file, error))) {
    const auto lines = lines_of(base::read_file(lock_file));
    // That of a single-user backend is negative.
    const auto process = lines.empty() ? 0L : std::labs(std::strtol(lines.front().c_str(), nullptr, 10));
    if (runs_there(static_cast<pid_t>(process), data_directory)) {
      return fmt::format("process {}, as its postmaster.pid says", process);
    }
    if (lines.size() > shared_memory_line && is_attached(lines[shared_memory_line])) {
      return "processes that its postmaster left behind and that hold its shared memory";
    }
  }
  return find_in_proc(data_directory);
}

std::optional<std::string> find_server_with_tablespace(const fs::path& location) {
  std::set<fs::path> looked_into;
  for (const auto& process : server_processes()) {
    if (!looked_into.insert(process.works_in).second) continue;
    std::error_code error;
    const auto links = process.folder / "cwd" / "pg_tblspc";
    for (fs::directory_iterator link(links, error), end; !error && link != end; link.increment(error)) {
      std::error_code ignored;
      const auto target = fs::read_symlink(link->path(), ignored);
      if (ignored || !target.is_absolute()) continue;
      // A server in a container means its own root.
      const auto seen = process.folder / "root" / target.relative_path();
      if (!fs::equivalent(seen, location, ignored) && !fs::equivalent(target, location, ignored)) continue;
      return fmt::format("process {}, which works in {}, by its link pg_tblspc/{}", process.id,
                         process.works_in.string(), link->path().filename().string());
    }
  }
  return std::nullopt;
}

}  // namespace backup_engine::restore
