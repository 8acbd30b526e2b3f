// What `lifeboat wal check` prints.
#pragma once

#include <string>

#include "backup_engine/wal_check.hpp"

namespace harness::cli {

[[nodiscard]] std::string wal_check_text(const backup_engine::WalCheckResult& result);
[[nodiscard]] std::string wal_check_json(const backup_engine::WalCheckResult& result);

}  // namespace harness::cli
