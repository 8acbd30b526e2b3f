// What a process tree used, phase by phase: CPU, memory, storage. From /proc; a child that ended is counted through
// the parent that waited for it (proc(5): cutime and cstime in stat; the kernel adds its io to the parent's as well).
// Measured on Lifeboat's own pid it covers the engine and every server.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace harness::server {

struct ResourceUse {
  double cpu_seconds = 0;
  // The most that was seen at one moment (looked at each 50 ms): everybody's anonymous memory and the largest share of
  // shared memory. The page cache is not in it.
  std::uint64_t peak_memory_bytes = 0;
  std::uint64_t read_bytes = 0;     // fetched from storage; 0 where the page cache had it
  std::uint64_t written_bytes = 0;  // sent towards storage
};

class ResourceMeter {
 public:
  explicit ResourceMeter(pid_t root);  // starts now
  ~ResourceMeter();
  ResourceMeter(const ResourceMeter&) = delete;
  ResourceMeter& operator=(const ResourceMeter&) = delete;

  // Since the meter started or the last lap. Never throws; what /proc does not show counts as nothing.
  [[nodiscard]] ResourceUse lap();

 private:
  void sample(int most_looks);

  pid_t root_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  ResourceUse start_;   // totals at the beginning of the lap
  ResourceUse latest_;  // totals last seen
  std::uint64_t peak_memory_bytes_ = 0;
  std::jthread sampler_;  // last: it uses all of the above
};

}  // namespace harness::server
