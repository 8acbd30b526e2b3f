// Which path lies below which, by name: nothing is looked up, and links are not followed.
#pragma once

#include <algorithm>
#include <filesystem>

namespace backup_engine::base {

// Whether `path` is `directory` or lies below it.
[[nodiscard]] inline bool lies_in(const std::filesystem::path& path, const std::filesystem::path& directory) {
  return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

}  // namespace backup_engine::base
