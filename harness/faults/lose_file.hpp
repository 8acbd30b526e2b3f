// A file that the file system has lost, whole or its second half: what a repair of the file system leaves behind.
#pragma once

#include <cstdint>
#include <filesystem>

namespace harness::faults {

// Removes a regular file. Throws base::Error (not_found, permission, io).
void lose_file(const std::filesystem::path& file);

// Cuts a file to the first half of its pages, none where there is one; returns its new size. Throws as above; usage for
// a file without a whole page.
std::uint64_t truncate_file(const std::filesystem::path& file);

}  // namespace harness::faults
