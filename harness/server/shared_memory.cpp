#include "harness/server/shared_memory.hpp"

#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"

namespace harness::server {

namespace fs = std::filesystem;
using backup_engine::base::read_file;

namespace {

// postmaster.pid: the pid in line 1, "key id" in line 7 (src/include/utils/pidfile.h). The file counts only when one of
// `pids` wrote it: a copied one names the shared memory of somebody else.
std::optional<int> system_v_id_in(const fs::path& data_directory, const std::vector<pid_t>& pids) {
  try {
    std::istringstream lines(read_file(data_directory / "postmaster.pid"));
    std::string line;
    if (!std::getline(lines, line)) return std::nullopt;
    const auto wrote_it = [&line](pid_t pid) { return line == std::to_string(pid); };
    if (std::none_of(pids.begin(), pids.end(), wrote_it)) return std::nullopt;
    for (int number = 2; number <= 7; ++number) {
      if (!std::getline(lines, line)) return std::nullopt;
    }
    std::istringstream words(line);
    unsigned long key = 0;
    int id = 0;
    if (words >> key >> id) return id;
  } catch (const backup_engine::base::Error&) {
    // Already shut down, or not yet that far: it holds none.
  }
  return std::nullopt;
}

void add_posix_segments_of(pid_t pid, std::set<fs::path>& segments) {
  constexpr std::string_view beginning = "/dev/shm/PostgreSQL.";
  try {
    std::istringstream lines(read_file(fs::path("/proc") / std::to_string(pid) / "maps"));
    for (std::string line; std::getline(lines, line);) {
      const auto at = line.find(beginning);
      if (at == std::string::npos || line.find(' ', at) != std::string::npos) continue;  // "… (deleted)" is gone
      segments.insert(line.substr(at));
    }
  } catch (const backup_engine::base::Error&) {
    // The process ended meanwhile; its segments are the others' too.
  }
}

}  // namespace

SharedMemory shared_memory_of(const fs::path& data_directory, const std::vector<pid_t>& pids) {
  SharedMemory memory;
  memory.system_v_id = system_v_id_in(data_directory, pids);
  for (const auto pid : pids) add_posix_segments_of(pid, memory.posix_segments);
  return memory;
}

void release(const SharedMemory& memory) noexcept {
  if (memory.system_v_id) {
    shmid_ds info{};
    const bool known = ::shmctl(*memory.system_v_id, IPC_STAT, &info) == 0;
    if (known && info.shm_nattch == 0) ::shmctl(*memory.system_v_id, IPC_RMID, nullptr);
  }
  for (const auto& segment : memory.posix_segments) ::unlink(segment.c_str());
}

}  // namespace harness::server
