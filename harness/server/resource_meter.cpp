#include "harness/server/resource_meter.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <sstream>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "harness/server/process_tree.hpp"

namespace harness::server {

namespace {

constexpr auto sample_interval = std::chrono::milliseconds(50);

// The number after `key` in a "Key: number" file of /proc; 0 when there is none or the process is gone.
std::uint64_t value_in(const std::string& text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string::npos) return 0;
  std::istringstream words(text.substr(at + key.size(), 32));
  std::uint64_t value = 0;
  words >> value;
  return value;
}

std::string read_proc(pid_t pid, const char* file) {
  try {
    return backup_engine::base::read_file(std::filesystem::path("/proc") / std::to_string(pid) / file);
  } catch (const backup_engine::base::Error&) {
    return {};
  }
}

struct Totals {
  ResourceUse use;
  std::uint64_t memory_bytes = 0;
  bool complete = true;  // nobody went between being listed and being read
};

// Parents before their children: one that goes meanwhile is in none of the numbers, instead of in two.
Totals totals_of(pid_t root) {
  auto processes = descendants_of(root);
  if (const auto itself = read_process(root)) processes.insert(processes.begin(), *itself);
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  Totals totals;
  std::uint64_t largest_shared_kb = 0, private_kb = 0;
  for (const auto& process : processes) {
    const auto ticks =
        process.user_ticks + process.system_ticks + process.reaped_user_ticks + process.reaped_system_ticks;
    totals.use.cpu_seconds += static_cast<double>(ticks) / ticks_per_second;
    const auto io = read_proc(process.pid, "io");
    totals.complete = totals.complete && !io.empty();
    totals.use.read_bytes += value_in(io, "\nread_bytes: ");
    totals.use.written_bytes += value_in(io, "\nwrite_bytes: ");
    const auto status = read_proc(process.pid, "status");
    private_kb += value_in(status, "RssAnon:");
    largest_shared_kb = std::max(largest_shared_kb, value_in(status, "RssShmem:"));
  }
  totals.memory_bytes = (private_kb + largest_shared_kb) * 1024;
  return totals;
}

// Counters of a tree only grow, unless a process left it unseen.
template <typename Number>
Number grown(Number later, Number earlier) {
  return later > earlier ? later - earlier : Number{};
}

}  // namespace

ResourceMeter::ResourceMeter(pid_t root) : root_(root) {
  sample(1);
  start_ = latest_;
  sampler_ = std::jthread([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      sample(1);
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, stop, sample_interval, [] { return false; });
    }
  });
}

ResourceMeter::~ResourceMeter() = default;

void ResourceMeter::sample(int most_looks) {
  try {
    auto totals = totals_of(root_);
    for (int look = 1; !totals.complete && look < most_looks; ++look) totals = totals_of(root_);
    const std::lock_guard lock(mutex_);
    latest_ = totals.use;
    peak_memory_bytes_ = std::max(peak_memory_bytes_, totals.memory_bytes);
  } catch (const std::exception&) {
    // /proc changes while it is read; the next look is 50 ms away.
  }
}

// What a process used that goes just now would count for the next lap, through its parent.
ResourceUse ResourceMeter::lap() {
  constexpr int most_looks = 5;
  sample(most_looks);
  const std::lock_guard lock(mutex_);
  ResourceUse use{.cpu_seconds = grown(latest_.cpu_seconds, start_.cpu_seconds),
                  .peak_memory_bytes = peak_memory_bytes_,
                  .read_bytes = grown(latest_.read_bytes, start_.read_bytes),
                  .written_bytes = grown(latest_.written_bytes, start_.written_bytes)};
  start_ = latest_;
  peak_memory_bytes_ = 0;
  return use;
}

}  // namespace harness::server
