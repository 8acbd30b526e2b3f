#include "harness/process/forked_child.hpp"

#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "backup_engine/base/error.hpp"

namespace harness::process {

using backup_engine::base::Deadline;
using backup_engine::base::Error;
using backup_engine::base::ErrorKind;
using backup_engine::base::poll_until;
using backup_engine::base::system_error;
using backup_engine::base::UniqueFd;

namespace {

// Sorted, and none of the standard ones.
bool close_all_but(const std::vector<int>& kept) noexcept {
  unsigned next = STDERR_FILENO + 1;
  for (const int fd : kept) {
    const auto here = static_cast<unsigned>(fd);
    if (here > next && ::close_range(next, here - 1, 0) != 0) return false;
    next = here + 1;
  }
  return ::close_range(next, ~0U, 0) == 0;
}

}  // namespace

bool ForkedChild::Parent::tell(int number) const noexcept {
  return ::send(line_, &number, sizeof(number), MSG_NOSIGNAL) == sizeof(number);
}

bool ForkedChild::Parent::waits_for_word() const noexcept {
  char word = 0;
  return ::recv(line_, &word, 1, 0) == 1;
}

ForkedChild::ForkedChild(std::string what, const std::vector<int>& needed,
                         const std::function<void(const Parent&)>& work)
    : what_(std::move(what)) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw system_error(errno, "make a line to", what_);
  }
  line_.reset(ends[0]);
  const UniqueFd childs_end(ends[1]);
  auto kept = needed;  // made before the fork: it takes memory
  kept.push_back(childs_end.get());
  std::erase_if(kept, [](int fd) { return fd <= STDERR_FILENO; });
  std::sort(kept.begin(), kept.end());
  const Parent parent(childs_end.get());
  pid_ = ::fork();
  if (pid_ < 0) throw system_error(errno, "fork", what_);
  if (pid_ == 0) {
    if (close_all_but(kept)) work(parent);
    ::_exit(0);
  }
}

ForkedChild::~ForkedChild() {
  ::kill(pid_, SIGKILL);
  try {
    poll_until(Deadline::after(std::chrono::seconds(10)), fmt::format("process {} to end", pid_),
               [this]() -> std::optional<std::string> {
                 return ::waitpid(pid_, nullptr, WNOHANG) == 0 ? std::optional<std::string>("it is running")
                                                               : std::nullopt;
               });
  } catch (const std::exception&) {
    // Not even SIGKILL ends a process that hangs in the kernel; waiting for ever would help nobody.
  }
}

int ForkedChild::answer(const Deadline& deadline) const {
  int number = 0;
  ssize_t received = 0;
  poll_until(deadline, what_, [&]() -> std::optional<std::string> {
    received = ::recv(line_.get(), &number, sizeof(number), MSG_DONTWAIT);
    return received < 0 && (errno == EAGAIN || errno == EINTR) ? std::optional<std::string>("it said nothing")
                                                               : std::nullopt;
  });
  if (received == sizeof(number)) return number;
  throw Error(ErrorKind::process, fmt::format("{} ended without a word", what_));
}

void ForkedChild::go_on() const noexcept {
  // Were it gone, its next answer would say so.
  const auto ignored = ::send(line_.get(), "", 1, MSG_NOSIGNAL);
  (void)ignored;
}

}  // namespace harness::process
