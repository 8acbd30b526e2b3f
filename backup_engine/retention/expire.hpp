// expire_backups over an open storage: for tests that make it fail.
#pragma once

#include "backup_engine/expire.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::retention {

ExpireResult expire_cluster(store::Storage& storage, const std::string& cluster, const ExpireRequest& request);

}  // namespace backup_engine::retention
