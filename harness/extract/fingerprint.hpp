// What a database's catalog says about everything but the named objects, as rows that two moments can be compared by.
// By definitions, not by OIDs: what was taken away and put back alike counts as untouched (docs/extract.md, "What is
// checked").
#pragma once

#include <string>

namespace harness::extract {

// A query: object, part, definition. It leaves out what pg_temp.lifeboat_named (nsp, rel; rel NULL: the whole schema)
// names, and shows no expression of what pg_temp.lifeboat_recreated (object, part; '': all of its parts) names, which
// PostgreSQL may print otherwise the second time. search_path must be empty.
[[nodiscard]] std::string fingerprint_query();

}  // namespace harness::extract
