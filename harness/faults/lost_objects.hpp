// What a CASCADE took along, in words: the objects of a database counted by kind, before and after.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "backup_engine/postgres/connection.hpp"

namespace harness::faults {

// Kind ("view") → how many. Only what users made; in the session's current transaction.
using ObjectCounts = std::map<std::string, std::int64_t>;
[[nodiscard]] ObjectCounts count_objects(backup_engine::postgres::Connection& connection);

// "5 partitions, 2 views, 1 foreign key went with it", or "nothing else went with it".
[[nodiscard]] std::string what_went_along(const ObjectCounts& before, const ObjectCounts& after);

}  // namespace harness::faults
