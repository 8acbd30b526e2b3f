// An UPDATE whose WHERE was forgotten: every row says the same now.
#pragma once

#include <string>

#include "backup_engine/postgres/connection.hpp"
#include "harness/faults/harm.hpp"

namespace harness::faults {

// `update` is "TABLE SET ASSIGNMENTS": "shop.products SET price = 0". Throws base::Error(usage) when it is not, or
// holds a WHERE or a second statement; otherwise as find_table() and harm_in_one_transaction().
[[nodiscard]] Harm update_rows(backup_engine::postgres::Connection& connection, const std::string& update,
                               const Patience& patience);

}  // namespace harness::faults
