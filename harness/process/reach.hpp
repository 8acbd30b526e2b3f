// What can be reached from where a process lives: tried by a short-lived child that enters that process's network and
// mount namespaces, its root, and a user's rights, and connects.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/process/subprocess.hpp"

namespace harness::process {

struct Address {
  enum class Kind { tcp, unix_path, unix_abstract };  // tcp: of 127.0.0.1
  Kind kind = Kind::tcp;
  std::string name;  // the socket's path, or its abstract name without the leading NUL
  std::uint16_t port = 0;
};
[[nodiscard]] std::string to_text(const Address& address);  // "TCP 127.0.0.1:5432", "Unix socket /run/x", "… @x"

struct Reached {
  bool connected = false;
  std::string why_not;  // "Network is unreachable"
};

// One answer for each address, in their order; 2 s for each at most. where: a process whose surroundings are entered
// (root only); nullopt: from here. Throws base::Error (process, when the place cannot be entered or the user not
// become; timed_out).
[[nodiscard]] std::vector<Reached> try_to_reach(const std::vector<Address>& addresses, std::optional<pid_t> where,
                                                const std::optional<OsUser>& as);

}  // namespace harness::process
