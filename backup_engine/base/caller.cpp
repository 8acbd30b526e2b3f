#include "backup_engine/base/caller.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>

namespace backup_engine::base {

Caller this_caller() {
  Caller caller;
  caller.pid = static_cast<std::uint32_t>(::getpid());
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) caller.host = host.data();
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  const auto user = ::geteuid();
  const bool known = ::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  caller.user = known ? entry.pw_name : std::to_string(user);
  return caller;
}

}  // namespace backup_engine::base
