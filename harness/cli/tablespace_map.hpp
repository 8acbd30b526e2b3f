// --tablespace-map OLD=NEW. A path may hold = itself: written \= there, as for pg_basebackup's own option; without
// that, the = before an absolute path is the one between.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

namespace harness::cli {

// Throws Error(usage) when it is not clear which = is meant, or a path is missing or not absolute.
[[nodiscard]] std::pair<std::filesystem::path, std::filesystem::path> parse_tablespace_map(const std::string& text);

}  // namespace harness::cli
