// What amcheck says of GIN indexes, which pg_amcheck passes over: gin_index_check(), from amcheck 1.5 (PostgreSQL 18)
// on.
#pragma once

#include "harness/verify/cluster.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

// Every valid permanent GIN index of every database, in pg_amcheck's way of saying it: appended to its run, whose exit
// code becomes pg_amcheck's for damage. One that the database's amcheck cannot look at, as it is of an older version,
// is named with that reason. Throws base::Error for whatever is no damage.
void check_gin_indexes(const Cluster& cluster, reports::record::ToolRun& run);

}  // namespace harness::verify
