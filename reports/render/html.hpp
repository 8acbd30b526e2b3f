// The report as one offline HTML page for people: the three answers first, then how they were found. It loads nothing,
// runs no script (its content-security-policy forbids both), and works on a phone, in the dark and on paper.
#pragma once

#include <string>
#include <vector>

#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"

namespace reports::render {

// `journal` may be empty; it is then left out.
[[nodiscard]] std::string html(const record::Report& report, const std::vector<record::JournalEvent>& journal = {});

}  // namespace reports::render
