#pragma once

#include <filesystem>

namespace backup_engine::base {

// Whether anything has that name, be it a link that leads nowhere. What cannot be known is no answer: Error(permission
// | io) naming the path.
[[nodiscard]] bool is_there(const std::filesystem::path& path);

}  // namespace backup_engine::base
