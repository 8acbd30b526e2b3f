// docs/postgres-facts.md promises a test for each fact: what is named there must be a test, or the page rots.
#pragma once

#include <string>
#include <vector>

#include "tests/layering/source_tree.hpp"

namespace layering {

// One sentence for each row of the page's tables that names no test, and for each `Suite.Name` that none of `files`
// holds: "PATH:LINE: …".
[[nodiscard]] std::vector<std::string> unproven_facts(const SourceFile& page, const std::vector<SourceFile>& files);

}  // namespace layering
