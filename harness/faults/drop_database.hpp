// A whole database dropped, with everybody who was connected to it thrown out.
#pragma once

#include <string>

#include "harness/faults/harm.hpp"
#include "harness/server/server.hpp"

namespace harness::faults {

// DROP DATABASE … WITH (FORCE); `database` as find_database() reads it. Throws as that and as
// harm_in_one_transaction(), though PostgreSQL runs this outside of a transaction block: its xid is what the database's
// deleted catalog row says.
[[nodiscard]] Harm drop_database(const server::Server& server, const std::string& database, const Patience& patience);

}  // namespace harness::faults
