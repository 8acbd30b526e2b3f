// What a run says on the terminal once it is done: a table with a row a drill, then why those that do not pass do not,
// with the first findings and what to do.
#pragma once

#include <string>
#include <vector>

#include "reports/record/report.hpp"
#include "reports/render/style.hpp"

namespace reports::render {

[[nodiscard]] std::string result_table(const std::vector<record::Report>& reports, const Style& style);

}  // namespace reports::render
