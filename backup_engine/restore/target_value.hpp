// The values of recovery targets: what a person writes, and the one spelling of it that PostgreSQL is handed.
// Defined in docs/recovery-targets.md, "What a value looks like".
#pragma once

#include <string>
#include <string_view>

#include "backup_engine/base/utc_time.hpp"
#include "backup_engine/restore.hpp"

namespace backup_engine::restore {

// ISO 8601 as PostgreSQL reads it, with a zone: "2026-11-20 02:15:00.5+01", "2026-11-20T02:15Z", "… UTC". More digits
// than microseconds are rounded. Throws Error(usage): no time, no zone, a zone by name (which may mean two offsets).
[[nodiscard]] base::UtcTime parse_target_time(std::string_view text);
[[nodiscard]] std::string postgres_time(base::UtcTime time);  // "2026-11-20 01:15:00.500000+00"

// Throws Error(usage). As PostgreSQL does, takes an id with its epoch and compares its low 32 bits.
[[nodiscard]] std::uint32_t parse_target_xid(std::string_view text);

// The same target with its value and its timeline as PostgreSQL is to get them: times in UTC, numbers without leading
// zeros (which PostgreSQL would read as octal), the timeline never empty. Throws Error(usage) as require_sound.
[[nodiscard]] RecoveryTarget spelled_for_postgres(const RecoveryTarget& target);

}  // namespace backup_engine::restore
