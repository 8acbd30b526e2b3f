#include "harness/server/socket_directory.hpp"

#include <fmt/format.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <set>

#include "backup_engine/base/error.hpp"

namespace harness::server {

namespace fs = std::filesystem;

namespace {

void reclaim_once(const fs::path& parent) {
  static std::mutex mutex;
  static std::set<fs::path> done;
  const std::lock_guard lock(mutex);
  if (done.insert(parent).second) reclaim_abandoned(parent);
}

}  // namespace

fs::path socket_parent(const fs::path& parent, const std::optional<process::OsUser>& run_as) {
  if (!parent.empty()) return parent;
  const bool runs_as_caller = !run_as || run_as->uid == ::geteuid();
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runs_as_caller && runtime != nullptr && runtime[0] == '/' && ::access(runtime, W_OK | X_OK) == 0) return runtime;
  return "/tmp";
}

void refuse_long_socket_path(const fs::path& parent) {
  const auto path_bytes = (parent / "lifeboat-XXXXXX" / socket_name).string().size();
  constexpr auto most_bytes = sizeof(sockaddr_un::sun_path) - 1;
  if (path_bytes > most_bytes) {
    throw backup_engine::base::Error(
        backup_engine::base::ErrorKind::usage,
        fmt::format("the socket's path would be too long: {} bytes below {}, {} are possible", path_bytes,
                    parent.string(), most_bytes))
        .with_remedy("set XDG_RUNTIME_DIR to a shorter directory, or unset it to use /tmp");
  }
}

OwnedDirectory make_socket_directory(const fs::path& parent, const std::optional<process::OsUser>& run_as) {
  refuse_long_socket_path(parent);
  reclaim_once(parent);
  return OwnedDirectory::create(parent, run_as);
}

}  // namespace harness::server
