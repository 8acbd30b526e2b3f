// What amcheck says of GIN indexes, which pg_amcheck passes over: gin_index_check(), from amcheck 1.5 (PostgreSQL 18)
// on.
#pragma once

#include "harness/verify/cluster.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

// Every valid permanent GIN index of every database that has amcheck, in pg_amcheck's way of saying it: appended to its
// run, whose exit code becomes pg_amcheck's for damage. Throws base::Error for whatever is no damage.
void check_gin_indexes(const Cluster& cluster, reports::record::ToolRun& run);

}  // namespace harness::verify
