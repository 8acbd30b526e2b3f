// Rows that an index does not know: what a lost index write, or a sort order that changed under it, leaves behind.
#pragma once

#include <string>

#include "backup_engine/postgres/connection.hpp"

namespace harness::faults {

// Runs `statement` (which adds rows) while PostgreSQL leaves `index` (schema.name) alone, so that uniqueness is not
// enforced either. A superuser's connection. Throws base::Error(server).
void hide_from_index(backup_engine::postgres::Connection& connection, const std::string& index,
                     const std::string& statement);

}  // namespace harness::faults
