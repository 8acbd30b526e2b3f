// What a recovering server's log says of its milestones and of how recovery ended. Lines begin with log_line_prefix
// '%m [%p] ' in UTC. The messages are PostgreSQL's own (src/backend/access/transam/xlogrecovery.c), lc_messages C.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backup_engine/base/utc_time.hpp"

namespace harness::restore {

struct RecoveryLog {
  using Time = std::optional<backup_engine::base::UtcTime>;
  Time consistent;           // "consistent recovery state reached"
  Time replayed;             // at the target: "recovery stopping …"; else "redo done at", "redo is not required"
  Time promoted;             // "archive recovery complete"
  Time redo_began;           // the first "redo starts at": a server that is started anew goes on from there
  std::string redo_lsn;      // X/X of it
  std::string replayed_lsn;  // X/X of "redo done at"
  std::string stopping;      // "recovery stopping before commit of transaction 747, time …"; empty: not at a target
  std::string last_transaction;  // the time of "last completed transaction was at log time …", as PostgreSQL wrote it
  // "max_connections = 100 is a lower setting than on the primary server, where its value was 250.": replay has paused
  // where the source was started with more. Empty when it has not.
  std::string too_low;
  std::string last_words;  // of the last FATAL or PANIC that is not the answer to a client; empty when none
};

// Pure. Unless it says otherwise the last occurrence of a message counts: a log file may hold several starts. A start
// forgets how the one before it ended.
[[nodiscard]] RecoveryLog read_recovery_log(std::string_view text);

// One sentence on how far recovery came and why it ended: for whoever must know why a restore failed.
[[nodiscard]] std::string describe_failure(const RecoveryLog& log);

}  // namespace harness::restore
