// A table emptied by TRUNCATE. Plain TRUNCATE is refused for a table that others reference, with the hint to add
// CASCADE; whoever follows the hint empties those tables too.
#pragma once

#include <string>

#include "backup_engine/postgres/connection.hpp"
#include "harness/faults/harm.hpp"

namespace harness::faults {

// TRUNCATE … CASCADE; `table` as find_table() reads it. Throws as that and as harm_in_one_transaction().
[[nodiscard]] Harm truncate_table(backup_engine::postgres::Connection& connection, const std::string& table,
                                  const Patience& patience);

}  // namespace harness::faults
