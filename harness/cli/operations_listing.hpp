// What `lifeboat list` says from the operations log.
#pragma once

#include <string>

#include "backup_engine/operations.hpp"

namespace harness::cli {

// "  backup   29 of 30 succeeded in 30 days (96.7 %), 310 of 312 ever", a line a verb; then what was tampered with.
[[nodiscard]] std::string rates_text(const backup_engine::OperationsLog& log, backup_engine::base::UtcTime now);
// One JSON object a line, oldest first.
[[nodiscard]] std::string operations_jsonl(const backup_engine::OperationsLog& log);

}  // namespace harness::cli
