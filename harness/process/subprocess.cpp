#include "harness/process/subprocess.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/process/launch.hpp"

namespace harness::process {

using backup_engine::base::Deadline;

namespace {

std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::strchr("-_./=:,+@%", c) != nullptr;
  });
  if (plain) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

ExitStatus decoded(int status) {
  return WIFSIGNALED(status) ? ExitStatus{.code = 0, .signal = WTERMSIG(status)}
                             : ExitStatus{.code = WEXITSTATUS(status), .signal = 0};
}

}  // namespace

std::string to_text(const Command& command) {
  std::string text = quoted(command.program.string());
  for (const auto& argument : command.arguments) text += " " + quoted(argument);
  return text;
}

std::string to_text(ExitStatus status) {
  if (status.signal == 0) return fmt::format("exit code {}", status.code);
  return fmt::format("signal {} ({})", status.signal, ::strsignal(status.signal));
}

Subprocess Subprocess::start(const Command& command) {
  return Subprocess(launch_on_spawning_thread(command));
}

Subprocess::Subprocess(Subprocess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(std::exchange(other.status_, std::nullopt)) {}

Subprocess& Subprocess::operator=(Subprocess&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    status_ = std::exchange(other.status_, std::nullopt);
  }
  return *this;
}

Subprocess::~Subprocess() {
  end();
}

void Subprocess::end() noexcept {
  if (pid_ <= 0 || status_) return;
  try {
    send_to_group(SIGKILL);
    wait(Deadline::after(std::chrono::seconds(10)));
  } catch (const std::exception&) {
    // Not even SIGKILL ends a process that hangs in the kernel; waiting for ever would help nobody.
  }
}

std::optional<ExitStatus> Subprocess::poll() {
  if (status_ || pid_ <= 0) return status_;
  siginfo_t seen{};
  // First look without reaping: while the zombie holds the pid, the group's number cannot belong to anybody else.
  if (::waitid(P_PID, static_cast<id_t>(pid_), &seen, WEXITED | WNOHANG | WNOWAIT) != 0) {
    throw backup_engine::base::system_error(errno, "wait for process", std::to_string(pid_));
  }
  if (seen.si_pid == 0) return std::nullopt;
  ::kill(-pid_, SIGKILL);
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) {
    throw backup_engine::base::system_error(errno, "reap process", std::to_string(pid_));
  }
  status_ = decoded(status);
  return status_;
}

ExitStatus Subprocess::wait(const Deadline& deadline, const std::stop_token& stop) {
  backup_engine::base::poll_until(
      deadline, fmt::format("process {} to end", pid_),
      [this]() -> std::optional<std::string> {
        if (poll()) return std::nullopt;
        return "it is running";
      },
      stop);
  return status_.value();
}

void Subprocess::send(int signal) {
  if (pid_ > 0 && !status_) ::kill(pid_, signal);
}

void Subprocess::send_to_group(int signal) {
  if (pid_ > 0 && !status_) ::kill(-pid_, signal);
}

Completed run(const Command& command, const Deadline& deadline, const std::stop_token& stop) {
  backup_engine::base::UniqueFd memory;  // output that nobody asked for a file of leaves none
  auto redirected = command;
  if (redirected.output_file.empty()) {
    memory.reset(::memfd_create("output", MFD_CLOEXEC));
    if (!memory.valid())
      throw backup_engine::base::system_error(errno, "make room for the output of", to_text(command));
    redirected.output_file = fmt::format("/proc/self/fd/{}", memory.get());
  }
  // An appended file may hold earlier words that are not this program's.
  std::error_code absent;
  const auto before = std::filesystem::file_size(redirected.output_file, absent);
  const auto offset = absent ? std::size_t{0} : static_cast<std::size_t>(before);

  const auto started = Deadline::Clock::now();
  auto subprocess = Subprocess::start(redirected);
  Completed completed;
  completed.status = subprocess.wait(deadline, stop);
  completed.seconds = std::chrono::duration<double>(Deadline::Clock::now() - started).count();
  completed.output = backup_engine::base::read_file(redirected.output_file).substr(offset);
  return completed;
}

std::string tail_of(const std::filesystem::path& file, int lines) {
  constexpr std::uint64_t most_bytes = 64 * 1024;
  try {
    const auto fd = backup_engine::base::open_for_reading(file);
    const auto size = std::filesystem::file_size(file);
    std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(size, most_bytes)), '\0');
    text.resize(
        backup_engine::base::read_at(fd.get(), std::as_writable_bytes(std::span(text)), size - text.size(), file));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    auto start = text.size();
    for (int line = 0; line < lines && start != std::string::npos; ++line) {
      start = start == 0 ? std::string::npos : text.rfind('\n', start - 1);
    }
    return start == std::string::npos ? text : text.substr(start + 1);
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace harness::process
