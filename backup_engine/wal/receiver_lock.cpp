#include "backup_engine/wal/receiver_lock.hpp"

#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>

#include "backup_engine/base/error.hpp"

namespace backup_engine::wal {

ReceiverLock::ReceiverLock(const std::filesystem::path& directory, const std::string& cluster)
    : fd_(base::open_for_reading(directory)) {
  if (::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) throw base::system_error(errno, "lock", directory.string());
  throw base::Error(base::ErrorKind::already_exists,
                    fmt::format("another receiver of the cluster {} is running on this host", cluster))
      .with_remedy("stop it first, or let it do the work");
}

}  // namespace backup_engine::wal
