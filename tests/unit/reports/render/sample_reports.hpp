// Reports that every renderer is shown: all is well; all is bad and full of hostile text; not everything could be
// judged; a drill that broke before it did anything; a restore to a mark before a disaster that the source survived; a
// part of it into the live server; a target that no backup leads to; three restores of which one was too slow.
#pragma once

#include <vector>

#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"

namespace reports::render {

[[nodiscard]] record::Report passing_report();
[[nodiscard]] record::Report failing_report();
[[nodiscard]] record::Report unknown_report();
[[nodiscard]] record::Report empty_report();
[[nodiscard]] record::Report pitr_report();
// A sweep with a point that is not exact, and one that could not be judged.
[[nodiscard]] record::Report swept_report();
[[nodiscard]] std::vector<record::JournalEvent> pitr_journal();
[[nodiscard]] record::Report partial_report();
[[nodiscard]] std::vector<record::JournalEvent> partial_journal();
[[nodiscard]] record::Report refused_report();
[[nodiscard]] record::Report repeated_report();

}  // namespace reports::render
