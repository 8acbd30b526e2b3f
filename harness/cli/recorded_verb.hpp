// Verbs that work on a repository leave an entry in its operations log, failed ones too (docs/formats/operations.md).
#pragma once

#include <functional>

#include "harness/cli/command_line.hpp"
#include "harness/cli/exit_code.hpp"

namespace harness::cli {

// Runs `execute` on the command's verb and records how it ended; what it throws is thrown on. Recording that fails is
// said on stderr and changes nothing else. Not recorded: what only looks at names (list, wal check), wal push that
// succeeds, wal fetch (which records its own failures, see wal_fetch.hpp).
ExitCode execute_recorded(Command command, const std::function<ExitCode(const Verb&)>& execute);

}  // namespace harness::cli
