// The restore of tables, a schema or rows into the source that lives on, and the clock that runs for it: from the
// disaster until what was restored answers in the live server (docs/glossary.md, "RTO").
#pragma once

#include "harness/drill/recovery.hpp"
#include "harness/extract/extract.hpp"
#include "harness/verify/commit_order_probe.hpp"

namespace harness::drill {

struct PartialRecovery {
  Course course;
  extract::Extracted extracted;
  verify::ReachedPoint reached;  // by the scratch server
};

// The source lives and its load is held. Evicts the repository from the page cache, starts the clock, recovers a
// scratch server to the target, extracts, and queries what came back through a connection of its own; then looks at
// what the scratch server could reach. It is gone when it returns or throws. Throws base::Error as extract() and
// Scratch::make() do.
[[nodiscard]] PartialRecovery recover_part(const Context& context, const SourceSide& source,
                                           const restore::Target& target, const SourceSide::Spent& spent,
                                           reports::record::Evidence& evidence);

}  // namespace harness::drill
