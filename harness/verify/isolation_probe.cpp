#include "harness/verify/isolation_probe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/process/reach.hpp"
#include "harness/server/process_tree.hpp"
#include "harness/verify/canary.hpp"

namespace harness::verify {

namespace base = backup_engine::base;
namespace fs = std::filesystem;
using base::UniqueFd;
using reports::record::IsolationEvidence;

namespace {

struct Kind {
  const char *file, *name;
};
constexpr Kind namespaces[] = {{"net", "network"}, {"mnt", "mount"}};

fs::path namespace_file(const std::string& process, const char* kind) {
  return fs::path("/proc") / process / "ns" / kind;
}

void look_at_processes(pid_t postmaster, IsolationEvidence& evidence) {
  auto processes = server::descendants_of(postmaster);
  if (const auto root = server::read_process(postmaster)) processes.push_back(*root);
  for (const auto& process : processes) {
    std::string shared;
    bool there = true;
    for (const auto& kind : namespaces) {
      std::error_code gone;
      const auto its = fs::read_symlink(namespace_file(std::to_string(process.pid), kind.file), gone);
      there = there && !gone;  // a process that ended meanwhile reaches nobody
      if (its == fs::read_symlink(namespace_file("self", kind.file))) shared += std::string(" ") + kind.name;
    }
    if (!there) continue;
    ++evidence.processes;
    if (!shared.empty()) evidence.shared.push_back(fmt::format("{} ({}):{}", process.pid, process.name, shared));
  }
}

// "  lo: 0 0 …", after two lines of headings.
void look_at_interfaces(pid_t postmaster, IsolationEvidence& evidence) {
  std::istringstream lines(base::read_file(fs::path("/proc") / std::to_string(postmaster) / "net" / "dev"));
  for (std::string line; std::getline(lines, line);) {
    const auto start = line.find_first_not_of(' '), end = line.find(':');
    if (end == std::string::npos) continue;
    const auto name = line.substr(start, end - start);
    if (name != "lo") evidence.interfaces.push_back(name);
  }
}

// Whether that file is seen below `root` under the same path. Links lead where they would lead a process down there.
bool sees(int root, const fs::path& socket) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const UniqueFd found(static_cast<int>(::syscall(SYS_openat2, root, socket.c_str(), &how, sizeof(how))));
  struct stat its {
  }, ours{};
  return found.valid() && ::fstat(found.get(), &its) == 0 && ::stat(socket.c_str(), &ours) == 0 &&
         its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

void look_at_sockets(const server::Server& server, const fs::path& wal_socket, IsolationEvidence& evidence) {
  const auto path = fmt::format("/proc/{}/root", server.pid());
  const UniqueFd root(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) throw base::system_error(errno, "look at what a server sees through", path);
  for (const auto& socket : server::listening_sockets()) {
    if (socket == wal_socket || socket.parent_path() == server.socket_directory()) continue;
    ++evidence.sockets_known;
    if (sees(root.get(), socket)) evidence.sockets_seen.push_back(socket.string());
  }
}

void try_canary(const server::Server& server, const Canary& canary, IsolationEvidence& evidence) {
  const auto& user = server.options().run_as;
  const auto outside = process::try_to_reach(canary.addresses(), std::nullopt, user);
  const auto inside = process::try_to_reach(canary.addresses(), server.pid(), user);
  for (std::size_t i = 0; i < outside.size(); ++i) {
    evidence.attempts.push_back(
        {process::to_text(canary.addresses()[i]), outside[i].connected, inside[i].connected, inside[i].why_not});
  }
}

}  // namespace

IsolationEvidence probe_isolation(const server::Server& server, const fs::path& wal_socket) {
  IsolationEvidence evidence;
  if (!server.options().isolation && !server::why_not_isolated().empty()) {
    evidence.impossible = server::why_not_isolated();
    return evidence;
  }
  const Canary canary(server.options().run_as);
  look_at_processes(server.pid(), evidence);
  look_at_interfaces(server.pid(), evidence);
  look_at_sockets(server, wal_socket, evidence);
  try_canary(server, canary, evidence);
  return evidence;
}

}  // namespace harness::verify
