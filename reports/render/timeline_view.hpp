// Private to reports/render: the timeline as data for the drawing (one inline SVG) and the table in report.mustache.
#pragma once

#include <vector>

#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"
#include "reports/render/page.hpp"

namespace reports::render {

// has_timeline; timeline with height, description and scales, each a title, ticks, bands, guides and rows. Along the
// scale everything is in percent of the drawing's width and so fits any; down it, in pixels. Every item has a row to
// itself, its words above its bar, so no two labels can meet. events: what the first scale shows, for the table.
void set_timeline(PageData& page, const record::Report& report, const std::vector<record::JournalEvent>& journal);

}  // namespace reports::render
