#include "harness/process/volume.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "backup_engine/base/error.hpp"

namespace harness::process {

namespace fs = std::filesystem;
using backup_engine::base::system_error;
using backup_engine::base::UniqueFd;

namespace {

// What the child needs, made before it is forked: other threads may have held any lock then.
struct Wanted {
  bool as_root = false;
  std::string users, groups;  // of the user namespace: the caller, under the number that he has outside
  std::string mount_point, options;
};

Wanted what_is_wanted(const fs::path& mount_point, std::uint64_t size_bytes, const std::optional<OsUser>& owner) {
  Wanted wanted;
  wanted.as_root = ::geteuid() == 0;
  wanted.users = fmt::format("{0} {0} 1\n", ::geteuid());
  wanted.groups = fmt::format("{0} {0} 1\n", ::getegid());
  wanted.mount_point = fs::canonical(mount_point).string();
  wanted.options = fmt::format("size={},mode=0700", size_bytes);
  if (wanted.as_root && owner) wanted.options += fmt::format(",uid={},gid={}", owner->uid, owner->gid);
  return wanted;
}

// From here on to the next such line: in the forked child, where only system calls may be made.

bool write_to(const char* file, std::string_view text) noexcept {
  const int fd = ::open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int why = errno;
  ::close(fd);
  errno = why;
  return written;
}

bool become_root_of_ones_own(const Wanted& wanted) noexcept {
  return ::unshare(CLONE_NEWUSER) == 0 && write_to("/proc/self/setgroups", "deny") &&
         write_to("/proc/self/uid_map", wanted.users) && write_to("/proc/self/gid_map", wanted.groups);
}

bool mount_unseen(const Wanted& wanted) noexcept {
  return (wanted.as_root || become_root_of_ones_own(wanted)) && ::unshare(CLONE_NEWNS) == 0 &&
         // What is mounted from here on must not appear outside.
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", wanted.mount_point.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                 wanted.options.c_str()) == 0;
}

// Another volume that is made at the same time would wait for ends that this child has inherited.
bool close_all_but(int one, int other) noexcept {
  const auto low = static_cast<unsigned>(std::min(one, other)), high = static_cast<unsigned>(std::max(one, other));
  constexpr unsigned after_the_standard_ones = 3;
  const auto close = [](unsigned first, unsigned last) { return first > last || ::close_range(first, last, 0) == 0; };
  return close(after_the_standard_ones, std::max(low, 1U) - 1) && close(low + 1, high - 1) && close(high + 1, ~0U);
}

// Tells 0 or what kept it from it, and stays until the parent, who takes hold of the namespaces meanwhile, lets go.
[[noreturn]] void make_volume(const Wanted& wanted, int answer, int let_go) {
  const int result = close_all_but(answer, let_go) && mount_unseen(wanted) ? 0 : errno;
  char nothing = 0;
  const bool told = ::write(answer, &result, sizeof(result)) == sizeof(result);
  ::_exit(told && ::read(let_go, &nothing, 1) == 0 ? 0 : 1);
}

// The parent again.

struct Pipe {
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error(errno, "make a pipe for", "a file system of its own");
    from.reset(ends[0]);
    to.reset(ends[1]);
  }
  UniqueFd from, to;
};

UniqueFd hold_of(pid_t pid, const std::string& what, int flags) {
  const auto path = fmt::format("/proc/{}/{}", pid, what);
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd.valid()) throw system_error(errno, "hold a file system of its own through", path);
  return fd;
}

// A child that has made the volume and lives until this goes.
class Maker {
 public:
  explicit Maker(const Wanted& wanted) : pid_(::fork()) {
    if (pid_ < 0) throw system_error(errno, "fork for", "a file system of its own");
    if (pid_ == 0) {
      make_volume(wanted, answer_.to.get(), let_go_.from.get());
    }
    answer_.to.reset();
  }
  Maker(const Maker&) = delete;
  Maker& operator=(const Maker&) = delete;
  ~Maker() {
    let_go_.to.reset();
    ::waitpid(pid_, nullptr, 0);
  }

  // 0, or the errno for which there is none.
  [[nodiscard]] int result() const {
    int result = ECHILD;
    return ::read(answer_.from.get(), &result, sizeof(result)) == sizeof(result) ? result : ECHILD;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  Pipe answer_, let_go_;
  pid_t pid_;
};

}  // namespace

Volume::Volume(const fs::path& mount_point, std::uint64_t size_bytes, const std::optional<OsUser>& owner)
    : size_bytes_(size_bytes) {
  const auto wanted = what_is_wanted(mount_point, size_bytes, owner);
  const Maker maker(wanted);
  if (const int why = maker.result(); why != 0) {
    throw system_error(why, "mount a small file system in a namespace of its own on", wanted.mount_point);
  }
  if (!wanted.as_root) users_ = hold_of(maker.pid(), "ns/user", O_RDONLY);
  mounts_ = hold_of(maker.pid(), "ns/mnt", O_RDONLY);
  top_ = hold_of(maker.pid(), "root" + wanted.mount_point, O_PATH | O_DIRECTORY);
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
    } catch (const backup_engine::base::Error& error) {
      return error.what();
    }
  }();
  return reason;
}

}  // namespace harness::process
