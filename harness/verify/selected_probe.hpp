// What the tables in a scope hold and are, and whose transactions left rows in them: for partial restores, which live
// in one cluster with much that is none of their business.
#pragma once

#include "harness/verify/cluster.hpp"
#include "reports/record/mark.hpp"

namespace harness::verify {

// Content, definitions and, where tables are named, the ledger ids in their rows. A restored copy goes by the names of
// its original. `alike` and `known` as for probe_content. Throws base::Error, also not_found when `only` names tables
// of which not one is there: nothing would be compared with nothing.
[[nodiscard]] reports::record::SelectedTables probe_selected(const Cluster& cluster,
                                                             const reports::record::ContentDigests* alike = nullptr,
                                                             const reports::record::ContentDigests* known = nullptr);

}  // namespace harness::verify
