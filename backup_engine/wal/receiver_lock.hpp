// One receiver a cluster and host. Advisory, and gone with the process however it ends: what keeps two receivers from
// harming each other is that nothing is ever put over an object that is there.
#pragma once

#include <filesystem>
#include <string>

#include "backup_engine/base/file.hpp"

namespace backup_engine::wal {

class ReceiverLock {
 public:
  // `directory` exists: the cluster's own in the repository. Throws Error(already_exists) when another process holds
  // it.
  ReceiverLock(const std::filesystem::path& directory, const std::string& cluster);

 private:
  base::UniqueFd fd_;
};

}  // namespace backup_engine::wal
