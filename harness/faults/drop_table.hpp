// A table dropped by somebody who took the advice to add CASCADE: its partitions, the views over it and the foreign
// keys that point at it go along.
#pragma once

#include <string>

#include "backup_engine/postgres/connection.hpp"
#include "harness/faults/harm.hpp"

namespace harness::faults {

// `table` as find_table() reads it. Throws as that and as harm_in_one_transaction().
[[nodiscard]] Harm drop_table(backup_engine::postgres::Connection& connection, const std::string& table,
                              const Patience& patience);

}  // namespace harness::faults
