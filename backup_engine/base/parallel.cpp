#include "backup_engine/base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "backup_engine/base/error.hpp"

namespace backup_engine::base {

void for_each_in_parallel(unsigned jobs, std::size_t item_count, const std::function<void(std::size_t)>& work,
                          const std::stop_token& stop) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::exception_ptr first_error;
  const auto run = [&] {
    try {
      for (auto item = next++; item < item_count && !failed; item = next++) {
        if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
        work(item);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first_error) first_error = std::current_exception();
      failed = true;
    }
  };
  {
    std::vector<std::jthread> threads;
    const auto count = std::min<std::size_t>(std::max(jobs, 1U), std::max<std::size_t>(item_count, 1));
    for (std::size_t i = 1; i < count; ++i) threads.emplace_back(run);
    run();
  }
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace backup_engine::base
