// Writing a report in every form there is.
#pragma once

#include <filesystem>
#include <vector>

#include "reports/record/journal.hpp"
#include "reports/record/report.hpp"

namespace harness::drill {

// DIRECTORY/report.json, report.html, report.md and junit.xml, each whole or not at all. Throws base::Error.
void publish(const reports::record::Report& report, const std::vector<reports::record::JournalEvent>& journal,
             const std::filesystem::path& directory);

}  // namespace harness::drill
