// Where file systems are mounted: what lies at such a place cannot be renamed, and what is renamed above one leaves it
// behind at the next boot.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace backup_engine::base {

// Those that are `path` or lie below it, of this process's own view. `path` is canonical. Throws Error when
// /proc/self/mountinfo cannot be read.
[[nodiscard]] std::vector<std::filesystem::path> mount_points_in(const std::filesystem::path& path);

// The same of the text of such a file (proc(5)).
[[nodiscard]] std::vector<std::filesystem::path> mount_points_in(const std::filesystem::path& path,
                                                                 std::string_view mountinfo);

}  // namespace backup_engine::base
