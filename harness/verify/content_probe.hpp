// Content digests: what every permanent table, sequence and large object of every database holds, as sums that do not
// depend on the order of rows. How they are made: docs/formats/evidence.md, "Digests".
#pragma once

#include "harness/verify/cluster.hpp"
#include "reports/record/mark.hpp"

namespace harness::verify {

// Of what is in the cluster's scope. Reads each table once, in one snapshot a database. `alike`: digests taken earlier
// with which these will be compared; their ranges are used again. `known`: digests of a wider scope, since which
// nothing was written; whole tables are taken from there. Tables of other databases than the main one are named
// database.schema.table. Throws base::Error when a table cannot be read (its message names the table).
[[nodiscard]] reports::record::ContentDigests probe_content(const Cluster& cluster,
                                                            const reports::record::ContentDigests* alike = nullptr,
                                                            const reports::record::ContentDigests* known = nullptr);

}  // namespace harness::verify
