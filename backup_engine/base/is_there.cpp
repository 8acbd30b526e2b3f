#include "backup_engine/base/is_there.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "backup_engine/base/error.hpp"

namespace backup_engine::base {

bool is_there(const std::filesystem::path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) throw system_error(errno, "look at", path.string());
  return false;
}

}  // namespace backup_engine::base
