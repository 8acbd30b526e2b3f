// The checks, one function each, called by judge() alone. Each is handed evidence that exists; an exception becomes
// unknown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/verify/judge.hpp"

namespace harness::verify {

[[nodiscard]] reports::record::Check check_ledger(const Records& records);
[[nodiscard]] reports::record::Check check_content(const Records& records);
[[nodiscard]] reports::record::Check check_page_checksums(const reports::record::ToolRun& run);
[[nodiscard]] reports::record::Check check_amcheck(const reports::record::ToolRun& run);
// For the report's not_tested: one sentence for each reason why amcheck did not look at GIN indexes, with their names.
[[nodiscard]] std::vector<std::string> list_gin_indexes_passed_over(const reports::record::ToolRun& run);
[[nodiscard]] reports::record::Check check_verifybackup(const reports::record::ToolRun& run);
[[nodiscard]] reports::record::Check check_constraints(const reports::record::ConstraintEvidence& constraints);
[[nodiscard]] reports::record::Check check_catalog(const Records& records);
// At the mark where its content is at hand, and against the columns that the sequences feed.
[[nodiscard]] reports::record::Check check_sequences(const Records& records);
[[nodiscard]] reports::record::Check check_settings(const Records& records);
// Both without a mark: the cluster against itself, and against this machine where the catalog was probed.
[[nodiscard]] reports::record::Check check_catalog_consistency(const reports::record::ConsistencyEvidence& consistency,
                                                               const Records& records);
[[nodiscard]] reports::record::Check check_settings_of_control_data(const reports::record::ToolRun& control_data,
                                                                    const reports::record::CatalogEvidence& now);
// All but what was restored, the same before and after a partial restore; what was gone with the restored tables and
// came back with them, the same as at the mark.
[[nodiscard]] reports::record::Check check_untouched(const Records& records);
// Of the server that was recovered and, where there was one, its copy (nullptr: none).
[[nodiscard]] reports::record::Check check_isolation(const reports::record::IsolationEvidence& restored,
                                                     const reports::record::IsolationEvidence* second);
[[nodiscard]] reports::record::Check check_sql(const reports::record::SqlEvidence& sql);

// The mark that catalog and settings are compared with: the one whose content was probed, else the last.
[[nodiscard]] const reports::record::Mark* reference_mark(const Records& records);

// Collations and libraries that this machine has not.
void add_machine_findings(const reports::record::CatalogEvidence& now, reports::record::Check& check);

// Sets the verdict: fail with findings, else pass when something was examined, else unknown; and the summary's end.
void conclude(reports::record::Check& check, std::uint64_t examined, const std::string& what_was_examined);

}  // namespace harness::verify
