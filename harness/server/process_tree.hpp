// Processes as /proc shows them, and the ending of a whole tree of them. PostgreSQL's children leave the postmaster's
// process group (each calls setsid), so a signal to the group does not reach them: the tree is collected by parentage.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "backup_engine/base/file.hpp"

namespace harness::server {

struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';                                     // as in /proc/PID/stat: R, S, D, T, Z …
  std::string name;                                     // at most 15 characters
  unsigned long long started_ticks = 0;                 // since boot; with the pid it names a process for ever
  unsigned long long user_ticks = 0, system_ticks = 0;  // of itself
  unsigned long long reaped_user_ticks = 0, reaped_system_ticks = 0;  // of the children that it waited for
};

// nullopt when there is no such process (any more).
[[nodiscard]] std::optional<ProcessEntry> read_process(pid_t pid);
// Every process below `root`, without itself, parents before children.
[[nodiscard]] std::vector<ProcessEntry> descendants_of(pid_t root);

// Handles (pidfds) of a process and all its descendants: a pid that is used again is never signalled by mistake.
class ProcessTree {
 public:
  // As they are now.
  [[nodiscard]] static ProcessTree of(pid_t root);
  // Stopped (SIGSTOP), the root first, until nobody is left who could fork: the tree is then complete.
  [[nodiscard]] static ProcessTree frozen(pid_t root);

  [[nodiscard]] const std::vector<pid_t>& pids() const { return pids_; }
  void send(int signal) const;
  // Until every one has ended (a zombie has). Throws base::Error(timed_out) naming those that have not.
  void wait_until_gone(const backup_engine::base::Deadline& deadline) const;

 private:
  bool add(const ProcessEntry& process);

  std::vector<pid_t> pids_;
  std::vector<backup_engine::base::UniqueFd> handles_;
};

}  // namespace harness::server
