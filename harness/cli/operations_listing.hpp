// What `lifeboat list` says from the operations log.
#pragma once

#include <string>

#include "backup_engine/operations.hpp"

namespace harness::cli {

// "  backup   29 of 30 succeeded in 30 days (96.7 %), 310 of 312 ever", a line a verb.
[[nodiscard]] std::string rates_text(const backup_engine::OperationsLog& log, backup_engine::base::UtcTime now);
// A line for each entry that was tampered with.
[[nodiscard]] std::string tampered_text(const backup_engine::OperationsLog& log);
// One JSON object a line, oldest first.
[[nodiscard]] std::string operations_jsonl(const backup_engine::OperationsLog& log);

}  // namespace harness::cli
