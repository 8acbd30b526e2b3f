// The queries behind the catalog probe. Each returns (identity, definition): what an object is called, and everything
// that makes it what it is. Object ids may stand in definitions: a physical restore keeps them.
#pragma once

#include <span>
#include <string_view>

namespace harness::verify {

[[nodiscard]] std::span<const std::string_view> database_catalog_queries();  // of each database
[[nodiscard]] std::span<const std::string_view> shared_catalog_queries();    // of the cluster: roles, databases, …

}  // namespace harness::verify
