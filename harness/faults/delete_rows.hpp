// A DELETE whose WHERE was forgotten. Where a foreign key forbids it, PostgreSQL refuses it and nothing is harmed.
#pragma once

#include <string>

#include "backup_engine/postgres/connection.hpp"
#include "harness/faults/harm.hpp"

namespace harness::faults {

// `table` as find_table() reads it. Throws as that and as harm_in_one_transaction().
[[nodiscard]] Harm delete_rows(backup_engine::postgres::Connection& connection, const std::string& table,
                               const Patience& patience);

}  // namespace harness::faults
