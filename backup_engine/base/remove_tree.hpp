// Removing a directory with everything below it. The files of a directory go in parallel: where the file system
// discards freed blocks, each removal waits for milliseconds, and a cluster has thousands of files.
#pragma once

#include <filesystem>
#include <system_error>

namespace backup_engine::base {

// Never follows links. What cannot be removed stays, the rest goes; returns the first failure, none when all is gone or
// nothing was there. Blocks until it is done.
[[nodiscard]] std::error_code remove_tree(const std::filesystem::path& path) noexcept;

}  // namespace backup_engine::base
