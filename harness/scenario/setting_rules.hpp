// Which server settings a scenario may give its source: what would falsify a drill (fsync off), and what Lifeboat sets
// itself, is refused with the reason.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harness/scenario/scenario.hpp"

namespace harness::scenario {

// Why `name` may not be `value` under this WAL policy, one clause without a subject ("would …"); nullopt when it may.
[[nodiscard]] std::optional<std::string> refusal_of_setting(std::string_view name, std::string_view value,
                                                            const WalPolicy& wal);

// A PostgreSQL setting's name: lower-case letters, digits and _, for an extension's with one dot inside.
[[nodiscard]] bool is_setting_name(std::string_view name);

}  // namespace harness::scenario
