// Data pages: their size, LSN and checksum.
// The checksum is PostgreSQL's FNV-1a variant over 32 lanes (src/include/storage/checksum_impl.h, described there),
// with the checksum field taken as zero, XORed with the absolute block number, mod 65535, plus 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "backup_engine/postgres/lsn.hpp"

namespace backup_engine::postgres {

constexpr std::size_t page_bytes = 8192;                  // BLCKSZ; clusters built with another are refused
constexpr std::uint32_t pages_per_segment_file = 131072;  // RELSEG_SIZE: 1 GB

using PageView = std::span<const std::byte, page_bytes>;

[[nodiscard]] Lsn page_lsn(PageView page);                   // pd_lsn, little endian hosts only
[[nodiscard]] std::uint16_t stored_checksum(PageView page);  // pd_checksum
[[nodiscard]] bool is_new(PageView page);                    // all zeros: never written, has no checksum
// block_number is absolute in the relation fork: segment file number × pages_per_segment_file + page in the file.
// Vectorised with what the machine has (chosen once at run time).
[[nodiscard]] std::uint16_t compute_checksum(PageView page, std::uint32_t block_number);

// The first page of `pages` (a multiple of page_bytes long, the first being `first_block`) that is neither new nor
// carries its own checksum; nullopt when all are sound. As fast as the hash itself.
[[nodiscard]] std::optional<std::size_t> first_bad_page(std::span<const std::byte> pages, std::uint32_t first_block);

}  // namespace backup_engine::postgres
