// Four reports that every renderer is shown: all is well; all is bad and full of hostile text; not everything could be
// judged; a drill that broke before it did anything.
#pragma once

#include "reports/record/report.hpp"

namespace reports::render {

[[nodiscard]] record::Report passing_report();
[[nodiscard]] record::Report failing_report();
[[nodiscard]] record::Report unknown_report();
[[nodiscard]] record::Report empty_report();

}  // namespace reports::render
