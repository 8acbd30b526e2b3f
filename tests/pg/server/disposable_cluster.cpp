#include "tests/pg/server/disposable_cluster.hpp"

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"

namespace harness::server {

namespace fs = std::filesystem;

std::vector<pid_t> servers_on(const fs::path& data_directory) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    try {
      // The postmaster names the directory in its arguments; each of its children works in it.
      std::error_code gone;
      const auto place = fs::read_symlink(entry.path() / "cwd", gone);
      const auto words = backup_engine::base::read_file(entry.path() / "cmdline");
      const bool works_there = !gone && place.string().rfind(data_directory.string(), 0) == 0;
      if (works_there || words.find("-D" + std::string(1, '\0') + data_directory.string()) != std::string::npos) {
        found.push_back(std::stoi(name));
      }
    } catch (const backup_engine::base::Error&) {
      // ended meanwhile
    }
  }
  return found;
}

}  // namespace harness::server
