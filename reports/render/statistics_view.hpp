// Private to reports/render: how the times of a repeated restore vary, and what they extrapolate to, for the page's
// template.
#pragma once

#include "reports/record/report.hpp"
#include "reports/render/page.hpp"

namespace reports::render {

// has_statistics, has_spreads, spreads, rates, has_extrapolations, extrapolations, statistics_notes.
void set_statistics(PageData& page, const record::Report& report);

}  // namespace reports::render
