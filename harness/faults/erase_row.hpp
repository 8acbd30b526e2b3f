// A row that vanishes from its table while every index still points at it: what a lost write looks like.
#pragma once

#include <cstdint>
#include <filesystem>

namespace harness::faults {

// Clears the tuple's line pointer and gives the page a matching checksum. The server must be down. Throws base::Error
// (usage when there is no such tuple).
void erase_row(const std::filesystem::path& relation_file, std::uint32_t block, std::uint16_t line_pointer);

}  // namespace harness::faults
