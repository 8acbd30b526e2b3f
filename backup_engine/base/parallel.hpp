// Runs the same work on several threads and joins them all before it returns.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

namespace backup_engine::base {

// Calls work(item) for each item in 0..item_count-1, taken in order by `jobs` threads (at least one). The first
// exception stops the taking of further items and is rethrown after all threads ended; a stop request throws
// Error(interrupted).
void for_each_in_parallel(unsigned jobs, std::size_t item_count, const std::function<void(std::size_t item)>& work,
                          const std::stop_token& stop = {});

}  // namespace backup_engine::base
