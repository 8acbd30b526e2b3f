// Private to reports/render: a report as data for the templates of its pages, HTML and Markdown alike.
#pragma once

#include <vector>

#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"
#include "reports/render/page.hpp"

namespace reports::render {

// name, claim, has_claim, started_at, tool, verdict; answers; reasons, has_reasons; promises; point (facts about the
// disaster, the target and what was reached); cleanup, left_behind, not_tested; and everything that view_parts.hpp
// sets. Of a check's findings the first `shown_findings` are in it, with a note of how many there are.
[[nodiscard]] PageData report_view(const record::Report& report, const std::vector<record::JournalEvent>& journal,
                                   std::size_t shown_findings);

}  // namespace reports::render
