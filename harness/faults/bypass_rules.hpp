// A change that no foreign key and no trigger gets to see: what replication tools and careless repairs do.
#pragma once

#include <string>

#include "backup_engine/postgres/connection.hpp"

namespace harness::faults {

// Runs `statement` with session_replication_role = replica. A superuser's connection. Throws base::Error(server).
void bypass_rules(backup_engine::postgres::Connection& connection, const std::string& statement);

}  // namespace harness::faults
