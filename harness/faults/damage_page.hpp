// Bits that rot on disk, with and without a checksum that gives them away.
#pragma once

#include <cstdint>
#include <filesystem>

namespace harness::faults {

// stale: the page keeps its old checksum, as when a disk goes bad. recomputed: it gets a matching one, as when bad
// memory or a bug damaged the page before it was written; page checksums cannot see that.
enum class Checksum { stale, recomputed };

// Flips the lowest bit of one byte of a relation file's page (its first segment). The server must be down. Throws
// base::Error (not_found, io; usage when the place is not in the file).
void flip_bit(const std::filesystem::path& relation_file, std::uint32_t block, std::uint32_t byte_in_page,
              Checksum checksum);

// Where the last byte of the block's first tuple lies in its page. Throws base::Error(usage) when it holds none.
[[nodiscard]] std::uint32_t last_byte_of_first_tuple(const std::filesystem::path& relation_file, std::uint32_t block);
// The same of tuple (block, line_pointer, from 1). Throws base::Error(usage) when there is no such tuple.
[[nodiscard]] std::uint32_t last_byte_of_tuple(const std::filesystem::path& relation_file, std::uint32_t block,
                                               std::uint16_t line_pointer);

}  // namespace harness::faults
