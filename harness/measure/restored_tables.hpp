// RPO and exactness of a partial restore: what the restored tables hold now against what they held at the mark on the
// source (docs/glossary.md). The server that they were put into lost nothing else, so its commits say nothing. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/record/check.hpp"
#include "reports/record/evidence.hpp"
#include "reports/record/ledger.hpp"
#include "reports/record/mark.hpp"
#include "reports/record/report.hpp"

namespace harness::measure {

struct RestoredTables {
  const reports::record::SelectedTables& then;  // at the mark
  const reports::record::SelectedTables& now;
  bool alike = false;  // every digest is the one at the mark
};

// A transaction counts when it left rows in one of the tables at the mark, and is recovered when it has rows in all of
// them again. Without loss by that measure but with other rows than at the mark the loss is not known, and `met` stays
// empty; discarded and duplicated stay empty as well: of rows that are gone nothing says whose they were.
[[nodiscard]] reports::record::Rpo measure_partial_rpo(const RestoredTables& tables,
                                                       const std::vector<reports::record::LedgerTransaction>& ledger,
                                                       std::int64_t mark_microseconds,
                                                       std::optional<double> objective_seconds);

// In transactions, as above; met when the tables are alike and no transaction is missing or extra.
[[nodiscard]] reports::record::Exactness measure_partial_exactness(const RestoredTables& tables);

// The transactions behind both, table by table: those whose rows were there at the mark and are not any more, and those
// whose rows are there and were not, with xid, LSN and time from the ledger and the witness WAL. ended_elsewhere: what
// is to be said of the scratch server's recovery, empty when it ended where the target lies. The check's name is
// commit_order; other differences of the rows are the check content's. nullopt: no row says which transaction left it.
[[nodiscard]] std::optional<reports::record::Check> check_restored_transactions(
    const RestoredTables& tables, const std::vector<reports::record::LedgerTransaction>& ledger,
    const reports::record::CommitOrderEvidence& order, const std::string& ended_elsewhere);

}  // namespace harness::measure
