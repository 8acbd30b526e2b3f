#include "harness/process/reach.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/process/forked_child.hpp"

namespace harness::process {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::system_error;
using backup_engine::base::UniqueFd;

namespace {

constexpr int patience_ms = 2000;
constexpr auto grace = std::chrono::seconds(30);  // for what takes no time, on a machine that is busy

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

SocketAddress socket_address(const Address& address) {
  SocketAddress made;
  if (address.kind == Address::Kind::tcp) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(&made.bytes, &in, sizeof(in));
    made.size = sizeof(in);
    return made;
  }
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  const std::size_t skipped = address.kind == Address::Kind::unix_abstract ? 1 : 0;
  if (address.name.size() + 1 > sizeof(un.sun_path)) {
    throw Error(ErrorKind::usage, fmt::format("a socket's name is too long: {}", address.name));
  }
  std::memcpy(un.sun_path + skipped, address.name.data(), address.name.size());
  std::memcpy(&made.bytes, &un, sizeof(un));
  // An abstract name ends where the address does, a path at its NUL.
  made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.name.size() + 1);
  return made;
}

// From here on to the next such line: in the forked child, where only system calls may be made.

// 0, or the errno for which it could not.
int connect_to(const SocketAddress& address) {
  const int fd = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int result = 0;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0) {
    result = errno;
    pollfd waited{fd, POLLOUT, 0};
    if (result == EINPROGRESS) {
      socklen_t size = sizeof(result);
      if (::poll(&waited, 1, patience_ms) != 1) {
        result = ETIMEDOUT;
      } else if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) != 0) {
        result = errno;
      }
    }
  }
  ::close(fd);
  return result;
}

struct Place {
  int network = -1, mounts = -1, root = -1;
};

bool enter(const Place& place) {
  return ::setns(place.network, CLONE_NEWNET) == 0 && ::setns(place.mounts, CLONE_NEWNS) == 0 &&
         ::fchdir(place.root) == 0 && ::chroot(".") == 0;
}

bool become(const OsUser& user) {
  return ::setgroups(1, &user.gid) == 0 && ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0;
}

// First 0 or what kept it from getting there, then a number for each address.
void try_all(const ForkedChild::Parent& parent, const Place* place, const OsUser* user,
             const std::vector<SocketAddress>& addresses) {
  int result = 0;
  if ((place != nullptr && !enter(*place)) || (user != nullptr && !become(*user))) result = errno;
  bool told = parent.tell(result);
  for (const auto& address : addresses) {
    if (!told || result != 0) return;
    told = parent.tell(connect_to(address));
  }
}

// The parent again.

UniqueFd open_of(pid_t pid, const char* what, int flags) {
  const auto path = fmt::format("/proc/{}/{}", pid, what);
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd.valid()) throw system_error(errno, "enter the surroundings of a process through", path);
  return fd;
}

std::vector<int> ask_child(const Place* place, const OsUser* user, const std::vector<SocketAddress>& addresses) {
  std::vector<int> needed;
  if (place != nullptr) needed = {place->network, place->mounts, place->root};
  const ForkedChild child("the child that looks at what can be reached", needed,
                          [&](const auto& parent) { try_all(parent, place, user, addresses); });
  const auto deadline = Deadline::after(std::chrono::milliseconds(patience_ms) * (addresses.size() + 1) + grace);
  std::vector<int> answers{child.answer(deadline)};
  while (answers.front() == 0 && answers.size() <= addresses.size()) answers.push_back(child.answer(deadline));
  return answers;
}

}  // namespace

std::string to_text(const Address& address) {
  switch (address.kind) {
    case Address::Kind::tcp:
      return fmt::format("TCP 127.0.0.1:{}", address.port);
    case Address::Kind::unix_path:
      return "Unix socket " + address.name;
    case Address::Kind::unix_abstract:
      return "abstract Unix socket @" + address.name;
  }
  return address.name;
}

std::vector<Reached> try_to_reach(const std::vector<Address>& addresses, std::optional<pid_t> where,
                                  const std::optional<OsUser>& as) {
  std::vector<SocketAddress> prepared;
  prepared.reserve(addresses.size());
  for (const auto& address : addresses) prepared.push_back(socket_address(address));
  UniqueFd network, mounts, root;
  Place place;
  if (where) {
    network = open_of(*where, "ns/net", O_RDONLY);
    mounts = open_of(*where, "ns/mnt", O_RDONLY);
    root = open_of(*where, "root", O_PATH | O_DIRECTORY);
    place = {network.get(), mounts.get(), root.get()};
  }
  const bool change_user = as && as->uid != ::geteuid();
  const auto answers = ask_child(where ? &place : nullptr, change_user ? &*as : nullptr, prepared);
  if (answers.front() != 0) {
    throw Error(ErrorKind::process, fmt::format("what can be reached from process {} was not found out: {}",
                                                where.value_or(::getpid()), std::strerror(answers.front())));
  }
  std::vector<Reached> reached;
  for (std::size_t i = 1; i < answers.size(); ++i) {
    reached.push_back({answers[i] == 0, answers[i] == 0 ? "" : std::strerror(answers[i])});
  }
  return reached;
}

}  // namespace harness::process
