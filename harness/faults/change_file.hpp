// A file that is not what was written: one byte of it changed, its size the same.
#pragma once

#include <filesystem>

namespace harness::faults {

// Inverts the byte in the middle of a file that is not empty. Throws base::Error (not_found, io, usage when empty).
void change_file(const std::filesystem::path& file);

}  // namespace harness::faults
