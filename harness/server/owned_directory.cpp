#include "harness/server/owned_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <span>
#include <sstream>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/remove_tree.hpp"
#include "harness/server/process_tree.hpp"

namespace harness::server {

namespace fs = std::filesystem;
using backup_engine::base::read_file;
using backup_engine::base::system_error;

namespace {

constexpr auto marker_name = ".lifeboat-owner";
constexpr std::string_view directory_prefix = "lifeboat-";
constexpr std::size_t random_letters = 6;

struct Maker {
  pid_t pid = 0;
  unsigned long long started_ticks = 0;
  std::string boot_id, pid_namespace;
};

Maker this_process() {
  const auto self = read_process(::getpid());
  auto boot_id = read_file("/proc/sys/kernel/random/boot_id");
  while (!boot_id.empty() && boot_id.back() == '\n') boot_id.pop_back();
  return {.pid = ::getpid(),
          .started_ticks = self ? self->started_ticks : 0,
          .boot_id = boot_id,
          .pid_namespace = fs::read_symlink("/proc/self/ns/pid").string()};
}

std::string to_text(const Maker& maker) {
  return fmt::format("lifeboat-owner 1\npid {}\nstarted {}\nboot {} namespace {}\n", maker.pid, maker.started_ticks,
                     maker.boot_id, maker.pid_namespace);
}

std::optional<Maker> parse_marker(const std::string& text) {
  std::istringstream words(text);
  std::string title, version, pid, started, boot, name_space;
  Maker maker;
  words >> title >> version >> pid >> maker.pid >> started >> maker.started_ticks >> boot >> maker.boot_id >>
      name_space >> maker.pid_namespace;
  const bool whole = !words.fail() && title == "lifeboat-owner" && version == "1" && pid == "pid" &&
                     started == "started" && boot == "boot" && name_space == "namespace";
  return whole ? std::optional(maker) : std::nullopt;
}

// Another container's pids mean nothing here, so its directories are taken for alive until the machine restarts.
bool alive(const Maker& maker, const Maker& here) {
  if (maker.boot_id != here.boot_id) return false;
  if (maker.pid_namespace != here.pid_namespace) return true;
  const auto process = read_process(maker.pid);
  return process && process->state != 'Z' && process->started_ticks == maker.started_ticks;
}

// Not synced: it speaks of a process, and a power cut ends all of them.
void write_marker(const fs::path& path) {
  const auto text = to_text(this_process());
  const backup_engine::base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) throw system_error(errno, "create", path.string());
  backup_engine::base::write_all(fd.get(), std::as_bytes(std::span(text)), path);
}

// The marker of a directory that is really one of ours: no link anywhere, and written by this user.
std::optional<Maker> marker_of(const fs::path& directory) {
  struct stat info {};
  if (::lstat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return std::nullopt;
  const auto marker = directory / marker_name;
  if (::lstat(marker.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) return std::nullopt;
  return parse_marker(read_file(marker));
}

// The server whose lock file lies beside a socket here, if it still runs: it may be shutting down at this moment.
std::optional<pid_t> server_in(const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    const auto name = entry.path().filename().string();
    if (name.rfind(".s.PGSQL.", 0) != 0 || entry.path().extension() != ".lock") continue;
    std::istringstream text(read_file(entry.path()));
    pid_t pid = 0;
    if (!(text >> pid) || pid <= 0) continue;
    const auto process = read_process(pid);
    if (process && process->state != 'Z' && process->name == "postgres") return pid;
  }
  return std::nullopt;
}

void reclaim(const fs::path& directory, const Maker& here, Reclaimed& outcome) {
  const auto maker = marker_of(directory);
  if (!maker || alive(*maker, here)) return;
  if (const auto server = server_in(directory)) {
    outcome.left.push_back(fmt::format("{}: its server, process {}, still runs", directory.string(), *server));
    return;
  }
  if (const auto failure = backup_engine::base::remove_tree(directory)) {
    outcome.left.push_back(fmt::format("{}: {}", directory.string(), failure.message()));
    return;
  }
  outcome.removed.push_back(directory);
}

}  // namespace

OwnedDirectory OwnedDirectory::create(const fs::path& parent, const std::optional<process::OsUser>& user) {
  auto name = (parent / directory_prefix).string() + std::string(random_letters, 'X');
  if (::mkdtemp(name.data()) == nullptr) throw system_error(errno, "create a directory below", parent.string());
  OwnedDirectory made{fs::path(name)};
  write_marker(made.path_ / marker_name);
  if (user && ::geteuid() == 0 && ::chown(name.c_str(), user->uid, user->gid) != 0) {
    throw system_error(errno, fmt::format("give to {} the directory", user->name), name);
  }
  return made;
}

OwnedDirectory::OwnedDirectory(OwnedDirectory&& other) noexcept
    : path_(std::move(other.path_)), ours_(std::exchange(other.ours_, false)) {}

OwnedDirectory::~OwnedDirectory() {
  if (!ours_) return;
  (void)backup_engine::base::remove_tree(path_);
}

void OwnedDirectory::keep() {
  if (!ours_) return;
  fs::remove(path_ / marker_name);
  ours_ = false;
}

std::string OwnedDirectory::remove() {
  if (!ours_) return {};
  if (const auto failure = backup_engine::base::remove_tree(path_))
    return fmt::format("{}: {}", path_.string(), failure.message());
  ours_ = false;
  return {};
}

Reclaimed reclaim_abandoned(const fs::path& parent) {
  Reclaimed outcome;
  const auto here = this_process();
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(parent, absent)) {
    const auto name = entry.path().filename().string();
    if (name.rfind(directory_prefix, 0) != 0 || name.size() != directory_prefix.size() + random_letters) continue;
    try {
      reclaim(entry.path(), here, outcome);
    } catch (const std::exception& error) {
      outcome.left.push_back(fmt::format("{}: {}", entry.path().string(), error.what()));
    }
  }
  return outcome;
}

}  // namespace harness::server
