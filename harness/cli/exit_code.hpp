// Exit codes of every verb (docs/architecture.md, "Exit codes").
#pragma once

#include <vector>

#include "backup_engine/base/error.hpp"
#include "reports/record/report.hpp"

namespace harness::cli {

enum class ExitCode : int { pass = 0, fail = 1, unknown = 2, usage = 3, cleanup = 4, interrupted = 130 };

// `wal fetch` alone follows restore_command: 1 is "not there"; anything else that went wrong must exceed 125, so that
// PostgreSQL stops instead of promoting on what it takes for the end of WAL.
constexpr int wal_fetch_not_there = 1;
constexpr int wal_fetch_failed = 254;

[[nodiscard]] ExitCode exit_code_for(backup_engine::base::ErrorKind kind);
[[nodiscard]] ExitCode exit_code_for(const reports::record::Report& report);
// The worst, in the order 130, 3, 1, 2, 4, 0.
[[nodiscard]] ExitCode worst(const std::vector<ExitCode>& codes);

}  // namespace harness::cli
