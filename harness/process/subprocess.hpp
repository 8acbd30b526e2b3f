// A child process with one owner: argument vector and explicit environment, never a shell; output to files.
// It runs in its own session and process group, dies with Lifeboat (parent-death signal, set after the change of user,
// by one long-lived spawning thread because the signal fires when the spawning thread ends), and never outlives its
// owner. See docs/servers.md.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup_engine/base/deadline.hpp"
#include "harness/process/isolated_view.hpp"

namespace harness::process {

class Volume;

struct OsUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Command {
  std::filesystem::path program;                   // absolute
  std::vector<std::string> arguments;              // without argv[0]
  std::map<std::string, std::string> environment;  // all of it; PATH, HOME and LC_ALL=C are added when absent
  std::filesystem::path output_file;               // stdout and stderr, appended; empty: /dev/null
  std::filesystem::path working_directory = "/";
  std::optional<OsUser> run_as;       // only root may change; the group list becomes the one group
  int parent_death_signal = SIGKILL;  // SIGQUIT for a postgres
  // Namespaces of its own, in which it and its children see no more than this. Only root may.
  std::optional<IsolatedView> isolated{};
  // A small file system that it and its children see where it is mounted (volume.hpp).
  std::shared_ptr<const Volume> volume{};
};

[[nodiscard]] std::string to_text(const Command& command);  // for reading, quoted where needed

struct ExitStatus {
  int code = 0;  // meaningful when signal is 0
  int signal = 0;
  [[nodiscard]] bool success() const { return code == 0 && signal == 0; }
};
[[nodiscard]] std::string to_text(ExitStatus status);  // "exit code 2", "signal 9 (Killed)"

class Subprocess {
 public:
  // Throws base::Error(process) naming the program and why. stdin is /dev/null; no other descriptor is inherited.
  [[nodiscard]] static Subprocess start(const Command& command);
  Subprocess(Subprocess&& other) noexcept;
  Subprocess& operator=(Subprocess&& other) noexcept;
  ~Subprocess();  // SIGKILL to the group when it still runs, then reaps (10 s at most)

  [[nodiscard]] pid_t pid() const { return pid_; }
  // nullopt while it runs. Once it has ended, what is left of its group is killed.
  [[nodiscard]] std::optional<ExitStatus> poll();
  // Throws Error(timed_out | interrupted); the process goes on.
  ExitStatus wait(const backup_engine::base::Deadline& deadline, const std::stop_token& stop = {});
  // Both do nothing once the end was seen: the pid may belong to somebody else by then.
  void send(int signal);           // to the process
  void send_to_group(int signal);  // to it and its children, but those that made a session of their own

 private:
  explicit Subprocess(pid_t pid) : pid_(pid) {}
  void end() noexcept;

  pid_t pid_ = -1;
  std::optional<ExitStatus> status_;
};

struct Completed {
  ExitStatus status;
  std::string output;  // stdout and stderr
  double seconds = 0;
};
// Starts, waits and reads the output (in memory when output_file is empty). A bad exit is a
// value; throws only as start() and wait() do, after having killed it.
[[nodiscard]] Completed run(const Command& command, const backup_engine::base::Deadline& deadline,
                            const std::stop_token& stop = {});

// The last `lines` lines of a file, at most 64 KB of it; empty when it cannot be read.
[[nodiscard]] std::string tail_of(const std::filesystem::path& file, int lines);

}  // namespace harness::process
