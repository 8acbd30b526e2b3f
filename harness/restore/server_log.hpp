// What a recovering server's log says of its milestones. Lines begin with log_line_prefix '%m [%p] ' in UTC.
// The messages are PostgreSQL's own (src/backend/access/transam/xlogrecovery.c), lc_messages C.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backup_engine/base/utc_time.hpp"

namespace harness::restore {

struct RecoveryLog {
  std::optional<backup_engine::base::UtcTime> consistent;  // "consistent recovery state reached"
  std::optional<backup_engine::base::UtcTime> replayed;    // "redo done at", or "redo is not required"
  std::string replayed_lsn;                                // X/X of "redo done at"
};

// Pure. The last occurrence of each message counts: a log file may hold several starts.
[[nodiscard]] RecoveryLog read_recovery_log(std::string_view text);

}  // namespace harness::restore
