// The shared memory that a SIGKILLed PostgreSQL cannot remove itself: a small System V segment that guards its data
// directory (postmaster.pid, line 7) and POSIX segments named /dev/shm/PostgreSQL.<number>.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <set>
#include <vector>

namespace harness::server {

struct SharedMemory {
  std::optional<int> system_v_id;
  std::set<std::filesystem::path> posix_segments;
};

// What the server on `data_directory`, whose processes are `pids`, holds now. Read while they are alive.
[[nodiscard]] SharedMemory shared_memory_of(const std::filesystem::path& data_directory,
                                            const std::vector<pid_t>& pids);

// Removes what nobody is attached to any more. Blocks not at all; failures leave the segment and are not reported,
// since the kernel frees it with the machine.
void release(const SharedMemory& memory) noexcept;

}  // namespace harness::server
