#include "backup_engine/store/object_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/cipher.hpp"
#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::array<char, 8> magic{'L', 'I', 'F', 'E', 'B', 'O', 'A', 'T'};
constexpr std::size_t crc_at = object_header_bytes - 4;

[[noreturn]] void fail(ErrorKind kind, const std::string& object, const std::string& what) {
  throw Error(kind, fmt::format("{}: {}", object, what));
}

void check_known(const std::byte* at, ObjectKind expected, const std::string& object) {
  const auto version = get_little_endian<std::uint16_t>(at + 8);
  if (version != object_format_version) {
    throw Error(ErrorKind::unsupported, fmt::format("{}: written in object format {}; this Lifeboat reads format {}",
                                                    object, version, object_format_version))
        .with_remedy("use the version of Lifeboat that wrote it, or a newer one");
  }
  const auto kind = get_little_endian<std::uint16_t>(at + 10);
  if (kind != static_cast<std::uint16_t>(expected)) {
    fail(ErrorKind::corrupt, object, fmt::format("not a {} (object kind {})", to_string(expected), kind));
  }
  const auto codec = static_cast<unsigned>(at[12]), cipher = static_cast<unsigned>(at[13]),
             hash = static_cast<unsigned>(at[14]);
  if (cipher > static_cast<unsigned>(Cipher::aes_256_gcm)) {
    fail(ErrorKind::unsupported, object, fmt::format("encrypted by an unknown cipher ({})", cipher));
  }
  if (codec > static_cast<unsigned>(Codec::zstd)) {
    fail(ErrorKind::unsupported, object, fmt::format("compressed by an unknown codec ({})", codec));
  }
  if (hash > static_cast<unsigned>(HashKind::xxh3_128)) {
    fail(ErrorKind::unsupported, object, fmt::format("hashed by an unknown hash ({})", hash));
  }
}

}  // namespace

std::string_view to_string(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::pack:
      return "pack";
    case ObjectKind::block_index:
      return "block index";
    case ObjectKind::block_hashes:
      return "list of block hashes";
    case ObjectKind::block_root:
      return "block root";
    case ObjectKind::file_table:
      return "file table";
    case ObjectKind::wal_segment:
      return "WAL segment";
    case ObjectKind::wal_part:
      return "part of a WAL segment";
    case ObjectKind::wal_history:
      return "timeline history";
    case ObjectKind::wal_extra:
      return "WAL side file";
    case ObjectKind::document:
      return "document";
  }
  return "object";
}

ObjectHeader new_object_header(ObjectKind kind, Codec codec) {
  ObjectHeader header;
  header.kind = kind;
  header.codec = codec;
  fill_random(header.salt);
  return header;
}

std::array<std::byte, object_header_bytes> encode(ObjectHeader& header) {
  std::array<std::byte, object_header_bytes> bytes{};
  std::memcpy(bytes.data(), magic.data(), magic.size());
  put_little_endian(&bytes[8], object_format_version);
  put_little_endian(&bytes[10], static_cast<std::uint16_t>(header.kind));
  bytes[12] = static_cast<std::byte>(header.codec);
  bytes[13] = static_cast<std::byte>(header.cipher);
  bytes[14] = static_cast<std::byte>(header.hash);
  put_little_endian(&bytes[16], header.block_size);
  put_little_endian(&bytes[24], header.clear_length);
  std::copy(header.key_id.begin(), header.key_id.end(), &bytes[32]);
  std::copy(header.salt.begin(), header.salt.end(), &bytes[48]);
  header.crc = base::crc32c(std::span(bytes).first(crc_at));
  put_little_endian(&bytes[crc_at], header.crc);
  return bytes;
}

ObjectHeader decode_object_header(std::span<const std::byte> bytes, ObjectKind expected, const std::string& object) {
  if (bytes.size() < object_header_bytes) {
    fail(ErrorKind::corrupt, object, fmt::format("ends inside its header, after {} bytes", bytes.size()));
  }
  const auto* const at = bytes.data();
  if (std::memcmp(at, magic.data(), magic.size()) != 0) {
    fail(ErrorKind::corrupt, object, "does not begin as an object of Lifeboat");
  }
  ObjectHeader header;
  header.crc = base::crc32c(bytes.first(crc_at));
  if (header.crc != get_little_endian<std::uint32_t>(at + crc_at)) {
    fail(ErrorKind::corrupt, object, "the checksum of its header is wrong");
  }
  check_known(at, expected, object);
  header.kind = expected;
  header.codec = static_cast<Codec>(at[12]);
  header.cipher = static_cast<Cipher>(at[13]);
  header.hash = static_cast<HashKind>(at[14]);
  header.block_size = get_little_endian<std::uint32_t>(at + 16);
  header.clear_length = get_little_endian<std::uint64_t>(at + 24);
  std::copy(at + 32, at + 48, header.key_id.begin());
  std::copy(at + 48, at + 80, header.salt.begin());
  // What is reserved must be zero: with a cipher the object's key is derived from these bytes as this Lifeboat knows
  // them.
  if (const auto known = encode(header); !std::equal(known.begin(), known.end(), at)) {
    fail(ErrorKind::unsupported, object, "its header says things that this Lifeboat does not know");
  }
  return header;
}

}  // namespace backup_engine::store
