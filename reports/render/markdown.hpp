// The report as GitHub-flavoured Markdown, fit for a pull request's comment or a job's summary: verdict
// and the three answers first. Text from a scenario or a database is shown, never obeyed; long lists are cut, so that
// the page stays below the 65,536 characters that GitHub takes as a comment, as far as a drill is of a usual size.
#pragma once

#include <string>

#include "reports/record/report.hpp"

namespace reports::render {

[[nodiscard]] std::string markdown(const record::Report& report);

}  // namespace reports::render
