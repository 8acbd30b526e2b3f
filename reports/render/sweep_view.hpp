// Private to reports/render: a sweep over the WAL as data for its drawing (one inline SVG) and its tables.
#pragma once

#include "reports/record/report.hpp"
#include "reports/render/page.hpp"

namespace reports::render {

// has_sweep; sweep with a badge, headline, height, description, rows of signs (in percent of the drawing's width along
// the WAL, in pixels down), groups of points of one boundary, and every point.
void set_sweep(PageData& page, const record::Report& report);

}  // namespace reports::render
