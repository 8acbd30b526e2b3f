// <out>/index.html: the drills of one run with their verdicts, RTO and RPO, each linked to its own page.
#pragma once

#include <string>
#include <vector>

#include "reports/record/report.hpp"

namespace reports::render {

struct IndexEntry {
  record::Report report;
  std::string
      page;  // path of its report.html relative to the index, with slashes: "scenario/20261120T021500Z/report.html"
};

[[nodiscard]] std::string index_html(const std::vector<IndexEntry>& entries);

}  // namespace reports::render
