// CRC-32C (Castagnoli), as in RFC 3720 appendix B.4 and in PostgreSQL's control file, WAL and backup_manifest.
// Uses the processor's instruction (SSE4.2) when it has it, tables otherwise; both give the same value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace backup_engine::base {

// The finished CRC of `bytes`; `previous` is the finished CRC of what came before them (0 when nothing did), so that
// crc32c(b, crc32c(a)) is the CRC of a followed by b.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous = 0);

// The CRC of a followed by b from their own CRCs and the length of b, so that blocks can be summed in parallel.
// Takes about a microsecond. Method: zlib's crc32_combine (multiplication by x^(8 length) modulo the polynomial).
[[nodiscard]] std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t length_b_bytes);

// The table-driven form, on any processor; what crc32c falls back to. Public so that a test can compare the two.
[[nodiscard]] std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t previous = 0);

}  // namespace backup_engine::base
