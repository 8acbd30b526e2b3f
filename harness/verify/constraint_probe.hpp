// Constraints proven again by reading the rows, without trusting any index: foreign keys, primary keys and unique
// indexes, CHECK, NOT NULL and domains. docs/checks.md says what is not re-validated.
#pragma once

#include "harness/verify/cluster.hpp"
#include "reports/record/evidence.hpp"

namespace harness::verify {

// Of every database. Throws base::Error.
[[nodiscard]] reports::record::ConstraintEvidence probe_constraints(const Cluster& cluster);

// Sequences that own a column, are its identity or its default: the next value must not be there already.
[[nodiscard]] reports::record::SequenceEvidence probe_sequences(const Cluster& cluster);

}  // namespace harness::verify
