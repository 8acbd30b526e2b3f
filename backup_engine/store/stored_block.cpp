#include "backup_engine/store/stored_block.hpp"

#include <fmt/format.h>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

PackSeal::PackSeal(std::string name, Compression compression, std::uint32_t block_size, const Keyring* /*keys*/)
    : name_(std::move(name)), header_(new_object_header(ObjectKind::pack, compression.codec)) {
  header_.hash = HashKind::xxh3_128;
  header_.block_size = block_size;
  static_cast<void>(encode(header_));  // for its CRC
}

PackSeal::PackSeal(std::string name, std::span<const std::byte> header_bytes, const Keyring* /*keys*/)
    : name_(std::move(name)), header_(decode_object_header(header_bytes, ObjectKind::pack, name_)) {}

std::array<std::byte, object_header_bytes> PackSeal::header_bytes() const {
  auto header = header_;
  return encode(header);
}

BlockSealer::Sealed BlockSealer::seal(const PackSeal& pack, std::uint64_t /*offset_bytes*/, BlockIdentity /*block*/,
                                      std::span<const std::byte> clear) {
  const auto compressed = compressor_.compress(clear);
  put_little_endian(trailer_.data(), base::crc32c(compressed.bytes, pack.header().crc));
  return {compressed.codec, compressed.bytes, trailer_};
}

void open_block(const PackSeal& pack, const BlockEntry& entry, const BlockHash& hash, BlockIdentity /*block*/,
                std::span<const std::byte> stored, std::span<std::byte> clear, const std::string& what) {
  thread_local Expander expander;
  const auto bytes = stored.first(stored.size() - pack.trailer_bytes());
  if (base::crc32c(bytes, pack.header().crc) != get_little_endian<std::uint32_t>(stored.data() + bytes.size())) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: the checksum is wrong", what));
  }
  expander.expand(entry.codec, bytes, clear, what);
  if (hash_block(clear) != hash) throw Error(ErrorKind::corrupt, fmt::format("{}: the hash is wrong", what));
}

}  // namespace backup_engine::store
