// The queries behind the catalog probe. Each returns (identity, definition, relation, schema): what an object is
// called, everything that makes it what it is, and, where there is one, the relation that it belongs to (schema.name)
// and the schema that it lies in. Definitions of what belongs to a relation hold names and never object ids, so that a
// copy that was restored by dump and load compares; other definitions may hold them: a physical restore keeps object
// ids.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace harness::verify {

[[nodiscard]] std::vector<std::string> relation_catalog_queries();  // of each database: tables and what is part of them
[[nodiscard]] std::vector<std::string> database_catalog_queries();  // of each database: everything else
[[nodiscard]] std::vector<std::string> shared_catalog_queries();    // of the cluster: roles, databases, …

// SQL for an access control list that reads the same however it came about: no list is the default one, and the order
// in which grants were made does not count. kind and owner as acldefault() takes them.
[[nodiscard]] std::string sorted_grants(std::string_view acl, std::string_view kind, std::string_view owner);

}  // namespace harness::verify
