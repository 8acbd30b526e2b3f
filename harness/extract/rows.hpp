// Rows put back into a table that is there (--replace with --where).
#pragma once

#include "backup_engine/postgres/connection.hpp"
#include "harness/extract/live_script.hpp"
#include "harness/extract/live_state.hpp"
#include "harness/extract/taken.hpp"

namespace harness::extract {

// Throws base::Error(usage) when the live table has not the columns that the rows have.
[[nodiscard]] RowTarget row_target(backup_engine::postgres::Connection& live, const LiveState& state,
                                   const Taken& taken);

}  // namespace harness::extract
