// The bytes of index leaves, shared by the writer and the reader of the block index. See block_index.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::store {

inline constexpr std::size_t hash_bytes = 16;
inline constexpr std::uint32_t stored_mask = 0x00FFFFFF, codec_shift = 24, zero_bit = 1U << 28U, place_shift = 29;

inline void encode_entry(const BlockEntry& entry, std::byte* at) {
  put_little_endian(at, entry.pack_row);
  put_little_endian(at + 4, entry.offset_bytes);
  put_little_endian(at + 8, entry.stored_bytes | static_cast<std::uint32_t>(entry.codec) << codec_shift |
                                (entry.is_zero ? zero_bit : 0U) |
                                static_cast<std::uint32_t>(entry.place) << place_shift);
}

}  // namespace backup_engine::store
