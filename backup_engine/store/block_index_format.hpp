// The bytes of index leaves, shared by the writer and the reader of the block index. See block_index.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/cipher.hpp"
#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::store {

inline constexpr std::size_t hash_bytes = 16;
inline constexpr std::uint32_t stored_mask = 0x00FFFFFF, codec_shift = 24, zero_bit = 1U << 28U, place_shift = 29;

// How many leaves an object of that size holds, nullopt when it is cut inside one. entry_bytes: index_entry_bytes or
// hash_bytes.
inline std::optional<std::uint64_t> leaves_in(std::uint64_t object_bytes, std::size_t entry_bytes, bool encrypted) {
  const auto trailer_bytes = encrypted ? leaf_trailer_bytes - block_trailer_bytes + tag_bytes : leaf_trailer_bytes;
  const auto leaf_bytes = leaf_entries * entry_bytes + trailer_bytes;
  if (object_bytes < object_header_bytes || (object_bytes - object_header_bytes) % leaf_bytes != 0) return std::nullopt;
  return (object_bytes - object_header_bytes) / leaf_bytes;
}

inline void encode_entry(const BlockEntry& entry, std::byte* at) {
  put_little_endian(at, entry.pack_row);
  put_little_endian(at + 4, entry.offset_bytes);
  put_little_endian(at + 8, entry.stored_bytes | static_cast<std::uint32_t>(entry.codec) << codec_shift |
                                (entry.is_zero ? zero_bit : 0U) |
                                static_cast<std::uint32_t>(entry.place) << place_shift);
}

}  // namespace backup_engine::store
