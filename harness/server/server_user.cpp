#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "harness/server/server.hpp"

namespace harness::server {

using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using process::OsUser;

namespace {

// `look_up` is getpwnam_r or getpwuid_r with its key bound.
template <typename LookUp>
std::optional<OsUser> found_by(const LookUp& look_up) {
  passwd storage{};
  passwd* entry = nullptr;
  std::vector<char> text(16 * 1024);
  const int failure = look_up(&storage, text.data(), text.size(), &entry);
  if (failure != 0 || entry == nullptr) return std::nullopt;
  return OsUser{.name = entry->pw_name, .uid = entry->pw_uid, .gid = entry->pw_gid};
}

std::optional<OsUser> user_named(const std::string& name) {
  return found_by([&](auto... place) { return ::getpwnam_r(name.c_str(), place...); });
}

std::optional<OsUser> user_numbered(uid_t uid) {
  return found_by([&](auto... place) { return ::getpwuid_r(uid, place...); });
}

Error refused(const std::string& message) {
  return Error(ErrorKind::usage, message)
      .with_remedy("make a user for drills (adduser --system lifeboat) or name one with --run-as");
}

}  // namespace

void refuse_unfit_user(const std::optional<OsUser>& run_as) {
  const auto user = run_as ? run_as : user_numbered(::geteuid());
  if (run_as ? run_as->uid == 0 : ::geteuid() == 0) throw refused("a disposable server must not run as root");
  if (user && user->name == "postgres") {
    throw refused("a disposable server must not run as postgres, who may own production");
  }
}

std::optional<OsUser> resolve_server_user(const std::string& name) {
  if (::geteuid() != 0) {
    const auto self = user_numbered(::geteuid());
    if (!name.empty() && (!self || self->name != name)) {
      throw Error(ErrorKind::usage, fmt::format("only root may run servers as {}", name))
          .with_remedy("leave --run-as out: servers then run as you do");
    }
    refuse_unfit_user(std::nullopt);
    return std::nullopt;
  }
  if (!name.empty()) {
    auto user = user_named(name);
    if (!user) throw refused(fmt::format("there is no user {} to run servers as", name));
    refuse_unfit_user(user);
    return user;
  }
  for (const auto* usual : {"lifeboat", "nobody"}) {
    if (auto user = user_named(usual); user && user->uid != 0) return user;
  }
  throw refused("there is neither a user lifeboat nor nobody to run servers as");
}

}  // namespace harness::server
