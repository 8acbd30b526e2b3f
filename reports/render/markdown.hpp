// The report as GitHub-flavoured Markdown, fit for a pull request's comment or a job's summary: verdict
// and the three answers first. Text from a scenario or a database is shown, never obeyed; long lists are cut, so that
// the page stays below the 65,536 characters that GitHub takes as a comment, as far as a drill is of a usual size.
#pragma once

#include <string>
#include <vector>

#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"

namespace reports::render {

// `journal` may be empty; what only it knows is then left out.
[[nodiscard]] std::string markdown(const record::Report& report, const std::vector<record::JournalEvent>& journal = {});

}  // namespace reports::render
