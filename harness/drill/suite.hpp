// Several drills as one run: one after another or a few at a time, then the pages that cover them all.
#pragma once

#include <filesystem>
#include <stop_token>
#include <vector>

#include "harness/drill/drill.hpp"

namespace harness::drill {

struct SuiteResult {
  std::vector<reports::record::Report> reports;  // in the order of the plans; interrupted ones are missing
  std::filesystem::path index_page;
};

// Writes OUT/index.html and OUT/junit.xml. Throws base::Error when a drill directory could not be made.
[[nodiscard]] SuiteResult run_suite(const std::vector<plan::Plan>& plans, const ToolIdentity& tool, Observer& observer,
                                    const std::stop_token& stop);

}  // namespace harness::drill
