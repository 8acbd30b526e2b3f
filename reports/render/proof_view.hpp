// Private to reports/render: the proof of the detectors as a matrix, sabotage by check.
#pragma once

#include "reports/record/report.hpp"
#include "reports/render/page.hpp"

namespace reports::render {

// has_proof, proof_checks (names), proof_rows: a list of name and cells, each with class and text. A check that a
// sabotage is no business of has an empty cell.
void set_proof(PageData& page, const record::Report& report);

}  // namespace reports::render
