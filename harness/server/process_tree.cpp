#include "harness/server/process_tree.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <map>
#include <sstream>

#include "backup_engine/base/error.hpp"

namespace harness::server {

namespace fs = std::filesystem;
using backup_engine::base::UniqueFd;

namespace {

std::optional<ProcessEntry> parse_stat(pid_t pid, const std::string& text) {
  // The name stands in parentheses and may hold any character, these included.
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  ProcessEntry entry;
  entry.pid = pid;
  entry.name = text.substr(open + 1, close - open - 1);
  std::istringstream fields(text.substr(close + 1));
  fields >> entry.state >> entry.parent;
  std::string skipped;
  for (int field = 5; field <= 13; ++field) fields >> skipped;  // numbered as in proc(5)
  fields >> entry.user_ticks >> entry.system_ticks >> entry.reaped_user_ticks >> entry.reaped_system_ticks;
  for (int field = 18; field <= 21; ++field) fields >> skipped;
  fields >> entry.started_ticks;
  return fields.fail() ? std::nullopt : std::optional(entry);
}

bool ended(const UniqueFd& handle) {
  pollfd waiting{.fd = handle.get(), .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, 0) > 0;
}

}  // namespace

std::optional<ProcessEntry> read_process(pid_t pid) {
  try {
    return parse_stat(pid, backup_engine::base::read_file(fs::path("/proc") / std::to_string(pid) / "stat"));
  } catch (const backup_engine::base::Error&) {
    return std::nullopt;  // it ended before or while it was read
  }
}

std::vector<ProcessEntry> descendants_of(pid_t root) {
  std::multimap<pid_t, ProcessEntry> by_parent;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || *end != '\0') continue;
    if (auto process = read_process(pid)) by_parent.emplace(process->parent, std::move(*process));
  }
  std::vector<ProcessEntry> found;
  std::vector<pid_t> parents = {root};
  for (std::size_t next = 0; next < parents.size(); ++next) {
    const auto [first, last] = by_parent.equal_range(parents[next]);
    for (auto child = first; child != last; ++child) {
      found.push_back(child->second);
      parents.push_back(child->second.pid);
    }
  }
  return found;
}

bool ProcessTree::add(const ProcessEntry& process) {
  if (std::find(pids_.begin(), pids_.end(), process.pid) != pids_.end()) return false;
  UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!handle.valid()) return false;
  // The pid may have changed hands between /proc and the handle.
  const auto now = read_process(process.pid);
  if (!now || now->started_ticks != process.started_ticks) return false;
  pids_.push_back(process.pid);
  handles_.push_back(std::move(handle));
  return true;
}

ProcessTree ProcessTree::of(pid_t root) {
  ProcessTree tree;
  if (const auto process = read_process(root)) tree.add(*process);
  for (const auto& process : descendants_of(root)) tree.add(process);
  return tree;
}

ProcessTree ProcessTree::frozen(pid_t root) {
  ProcessTree tree;
  const auto stop = [&tree](const ProcessEntry& process) {
    if (!tree.add(process)) return false;
    ::syscall(SYS_pidfd_send_signal, tree.handles_.back().get(), SIGSTOP, nullptr, 0);
    return true;
  };
  if (const auto process = read_process(root)) stop(*process);
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& process : descendants_of(root)) grew = stop(process) || grew;
  }
  return tree;
}

void ProcessTree::send(int signal) const {
  for (const auto& handle : handles_) ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0);
}

void ProcessTree::wait_until_gone(const backup_engine::base::Deadline& deadline) const {
  backup_engine::base::poll_until(deadline, "processes to end", [this]() -> std::optional<std::string> {
    std::vector<pid_t> left;
    for (std::size_t i = 0; i < handles_.size(); ++i) {
      if (!ended(handles_[i])) left.push_back(pids_[i]);
    }
    if (left.empty()) return std::nullopt;
    return fmt::format("running: {}", fmt::join(left, ", "));
  });
}

}  // namespace harness::server
