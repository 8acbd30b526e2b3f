#include "harness/process/volume.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/error.hpp"
#include "harness/process/forked_child.hpp"

namespace harness::process {

namespace fs = std::filesystem;
using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::system_error;
using backup_engine::base::UniqueFd;

namespace {

constexpr auto patience = std::chrono::seconds(30);

// What the child needs, made before it is forked: other threads may have held any lock then.
struct Wanted {
  bool in_user_namespace = false;
  std::string mount_point, options;
};

Wanted what_is_wanted(const fs::path& mount_point, std::uint64_t size_bytes, const std::optional<OsUser>& owner) {
  Wanted wanted;
  wanted.mount_point = fs::canonical(mount_point).string();
  wanted.options = fmt::format("size={},mode=0700", size_bytes);
  if (::geteuid() == 0 && owner) wanted.options += fmt::format(",uid={},gid={}", owner->uid, owner->gid);
  return wanted;
}

// From here on to the next such line: in the forked child, where only system calls may be made.

bool mount_unseen(const Wanted& wanted) noexcept {
  return ::unshare(CLONE_NEWNS) == 0 &&
         // What is mounted from here on must not appear outside.
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", wanted.mount_point.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                 wanted.options.c_str()) == 0;
}

// Tells 0 or what kept it from it, after each step, and stays until the parent, who takes hold of the namespaces
// meanwhile, lets go.
void make_volume(const Wanted& wanted, const ForkedChild::Parent& parent) noexcept {
  if (wanted.in_user_namespace) {
    if (!parent.tell(::unshare(CLONE_NEWUSER) == 0 ? 0 : errno) || !parent.waits_for_word()) return;
  }
  if (parent.tell(mount_unseen(wanted) ? 0 : errno)) (void)parent.waits_for_word();
}

// The parent again.

void write_to(const std::string& file, const std::string& text) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid() || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw system_error(errno, "set up a user namespace through", file);
  }
}

// Users and groups of a user namespace have the numbers that they have outside.
template <typename Id>
std::string mapped(Id caller, const std::optional<Id>& owner) {
  auto lines = fmt::format("{0} {0} 1\n", caller);
  if (owner && *owner != caller) lines += fmt::format("{0} {0} 1\n", *owner);
  return lines;
}

// Of root the volume's owner is known there too; whoever is not root may let in himself alone, and no groups.
void map_ids(pid_t child, const std::optional<OsUser>& owner) {
  const auto of_child = fmt::format("/proc/{}/", child);
  const bool as_root = ::geteuid() == 0;
  const bool owned = as_root && owner;
  if (!as_root) write_to(of_child + "setgroups", "deny");
  write_to(of_child + "uid_map", mapped(::geteuid(), owned ? std::optional(owner->uid) : std::nullopt));
  write_to(of_child + "gid_map", mapped(::getegid(), owned ? std::optional(owner->gid) : std::nullopt));
}

// That there are too many of them the kernel tells as it tells that a disk is full.
Error no_user_namespace(int why, const std::string& mount_point) {
  const std::string words = why == ENOSPC ? "user.max_user_namespaces allows no more" : std::strerror(why);
  return {ErrorKind::permission,
          fmt::format("cannot make a user namespace for a small file system on {}: {}", mount_point, words)};
}

UniqueFd hold_of(pid_t pid, const std::string& what, int flags) {
  const auto path = fmt::format("/proc/{}/{}", pid, what);
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd.valid()) throw system_error(errno, "hold a file system of its own through", path);
  return fd;
}

// What holds a volume; or the errno for which it could not be mounted.
struct Made {
  int why_not = 0;
  UniqueFd users, mounts, top;
};

Made make(const Wanted& wanted, const std::optional<OsUser>& owner) {
  const auto deadline = Deadline::after(patience);
  const ForkedChild child("the child that mounts a small file system on " + wanted.mount_point, {},
                          [&](const ForkedChild::Parent& parent) { make_volume(wanted, parent); });
  Made made;
  if (wanted.in_user_namespace) {
    if (const int why = child.answer(deadline); why != 0) throw no_user_namespace(why, wanted.mount_point);
    map_ids(child.pid(), owner);
    made.users = hold_of(child.pid(), "ns/user", O_RDONLY);
    child.go_on();
  }
  made.why_not = child.answer(deadline);
  if (made.why_not != 0) return made;
  made.mounts = hold_of(child.pid(), "ns/mnt", O_RDONLY);
  made.top = hold_of(child.pid(), "root" + wanted.mount_point, O_PATH | O_DIRECTORY);
  return made;
}

}  // namespace

Volume::Volume(const fs::path& mount_point, std::uint64_t size_bytes, const std::optional<OsUser>& owner)
    : size_bytes_(size_bytes) {
  const bool as_root = ::geteuid() == 0;
  auto wanted = what_is_wanted(mount_point, size_bytes, owner);
  wanted.in_user_namespace = !as_root;
  auto made = make(wanted, owner);
  if (as_root && made.why_not == EPERM) {  // root without CAP_SYS_ADMIN, as in a container
    wanted.in_user_namespace = true;
    made = make(wanted, owner);
  }
  if (made.why_not != 0) {
    throw system_error(made.why_not, "mount a small file system in a namespace of its own on", wanted.mount_point);
  }
  users_ = std::move(made.users);
  mounts_ = std::move(made.mounts);
  top_ = std::move(made.top);
}

fs::path Volume::path() const {
  return fmt::format("/proc/self/fd/{}", top_.get());
}

bool Volume::enter() const noexcept {
  return (!users_.valid() || ::setns(users_.get(), CLONE_NEWUSER) == 0) && ::setns(mounts_.get(), CLONE_NEWNS) == 0;
}

const std::string& why_no_volume() {
  static const std::string reason = []() -> std::string {
    constexpr std::uint64_t a_trial = 1U << 20U;
    try {
      const Volume trial("/tmp", a_trial, std::nullopt);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }();
  return reason;
}

}  // namespace harness::process
