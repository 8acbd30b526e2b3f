// A schema dropped with all that is in it, and all elsewhere that depends on that.
#pragma once

#include <string>

#include "backup_engine/postgres/connection.hpp"
#include "harness/faults/harm.hpp"

namespace harness::faults {

// DROP SCHEMA … CASCADE; `schema` as find_schema() reads it. Throws as that and as harm_in_one_transaction().
[[nodiscard]] Harm drop_schema(backup_engine::postgres::Connection& connection, const std::string& schema,
                               const Patience& patience);

}  // namespace harness::faults
