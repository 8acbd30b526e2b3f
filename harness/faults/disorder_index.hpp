// Index entries in the wrong order, as a sort order that changed under the index leaves them, or a bug.
#pragma once

#include <cstdint>
#include <filesystem>

namespace harness::faults {

// The first two entries of that page change places; its checksum is made to match. The server must be down. Throws
// base::Error (not_found, io; usage when the page has not two entries).
void disorder_index(const std::filesystem::path& relation_file, std::uint32_t block);

}  // namespace harness::faults
