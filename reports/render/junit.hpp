// JUnit XML, as GitLab, Jenkins and GitHub reporters show it: a suite a drill; a case for the restore's outcome, RTO,
// RPO, exactness, each check and the cleanup. A fail is a <failure>; unknown, and a cleanup that left something, an
// <error>.
#pragma once

#include <string>
#include <vector>

#include "reports/record/report.hpp"

namespace reports::render {

[[nodiscard]] std::string junit(const record::Report& report);
[[nodiscard]] std::string junit_suite(const std::vector<record::Report>& reports);  // one document over a whole run

}  // namespace reports::render
