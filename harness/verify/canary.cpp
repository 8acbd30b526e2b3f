#include "harness/verify/canary.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "backup_engine/base/error.hpp"
#include "harness/server/socket_directory.hpp"

namespace harness::verify {

using backup_engine::base::system_error;
using backup_engine::base::UniqueFd;

namespace {

constexpr const char* purpose = "a listener that nobody restored may reach";

// The kernel completes a connection as long as the queue has room; nobody has to accept it.
UniqueFd listening(const sockaddr* address, socklen_t size) {
  UniqueFd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || ::bind(fd.get(), address, size) != 0 || ::listen(fd.get(), 8) != 0) {
    throw system_error(errno, "open", purpose);
  }
  return fd;
}

UniqueFd listening(const sockaddr_un& address, std::size_t name_bytes) {
  return listening(reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_bytes));
}

}  // namespace

Canary::Canary(const std::optional<process::OsUser>& user)
    : directory_(server::make_socket_directory(server::socket_parent({}, user), user)) {
  listen_on_tcp();
  listen_on_path();
  listen_on_abstract_name();
}

void Canary::listen_on_tcp() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  listeners_.push_back(listening(generic, size));
  if (::getsockname(listeners_.back().get(), generic, &size) != 0)
    throw system_error(errno, "ask the port of", purpose);
  addresses_.push_back({process::Address::Kind::tcp, "", ntohs(address.sin_port)});
}

void Canary::listen_on_path() {
  const auto path = (directory_.path() / "canary").string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);  // its directory's path was short enough for a server's
  listeners_.push_back(listening(address, path.size() + 1));
  if (::chmod(path.c_str(), 0777) != 0) throw system_error(errno, "change the mode of", path);
  addresses_.push_back({process::Address::Kind::unix_path, path, 0});
}

void Canary::listen_on_abstract_name() {
  const auto name = directory_.path().filename().string() + "-canary";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  listeners_.push_back(listening(address, name.size() + 1));
  addresses_.push_back({process::Address::Kind::unix_abstract, name, 0});
}

}  // namespace harness::verify
