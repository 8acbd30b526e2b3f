// The 96 bytes at the head of every binary object. Defined in docs/formats/object.md. Little-endian:
//
//   0  magic "LIFEBOAT"   8  u16 version (1)   10  u16 kind      12  u8 codec    13  u8 cipher   14  u8 hash  15  0
//  16  u32 block size    20  u32 0             24  u64 clear length (all ones: not known when it was begun)
//  32  key id (16)       48  salt (32)         80  zeros (12)    92  u32 CRC-32C of bytes 0..91
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "backup_engine/repository.hpp"

namespace backup_engine::store {

enum class ObjectKind : std::uint16_t {
  pack = 1,
  block_index = 2,
  block_hashes = 3,
  block_root = 4,
  file_table = 5,
  wal_segment = 6,
  wal_part = 7,
  wal_history = 8,
  wal_extra = 9,  // .partial and .backup files
  document = 10,  // of an encrypted repository; elsewhere documents are plain text
};

[[nodiscard]] std::string_view to_string(ObjectKind kind);

enum class Cipher : std::uint8_t { none = 0, aes_256_gcm = 1 };
enum class HashKind : std::uint8_t { none = 0, xxh3_128 = 1 };  // of blocks in the clear

inline constexpr std::size_t object_header_bytes = 96;
inline constexpr std::uint16_t object_format_version = 1;
inline constexpr std::uint64_t unknown_length = ~std::uint64_t{0};

struct ObjectHeader {
  ObjectKind kind = ObjectKind::pack;
  Codec codec = Codec::none;  // the one asked for; each block or frame says its own
  Cipher cipher = Cipher::none;
  HashKind hash = HashKind::none;
  std::uint32_t block_size = 0;
  std::uint64_t clear_length = unknown_length;
  std::array<std::byte, 16> key_id{};
  std::array<std::byte, 32> salt{};
  std::uint32_t crc = 0;  // set by encode and decode: continued by the CRC of each frame, which ties it to its object
};

// A header with a fresh random salt.
[[nodiscard]] ObjectHeader new_object_header(ObjectKind kind, Codec codec);
[[nodiscard]] std::array<std::byte, object_header_bytes> encode(ObjectHeader& header);
// Throws Error naming `object`: corrupt (short, magic, CRC, kind other than expected), unsupported (a future version,
// an unknown cipher, codec or hash). Whether the cipher is the repository's says cipher_of (object_cipher.hpp).
[[nodiscard]] ObjectHeader decode_object_header(std::span<const std::byte> bytes, ObjectKind expected,
                                                const std::string& object);

}  // namespace backup_engine::store
