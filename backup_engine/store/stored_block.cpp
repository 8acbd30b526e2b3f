#include "backup_engine/store/stored_block.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

// What is authenticated with an encrypted block beside the pack's name: which block it is, how long and how compressed.
std::vector<std::byte> about(BlockIdentity block, std::size_t clear_bytes, Codec codec) {
  constexpr std::size_t number_bytes = 8 + 4 + 1;
  const auto path = std::as_bytes(std::span(block.path));
  std::vector<std::byte> bytes(number_bytes + path.size());
  put_little_endian(bytes.data(), block.number);
  put_little_endian(bytes.data() + 8, static_cast<std::uint32_t>(clear_bytes));
  bytes[12] = static_cast<std::byte>(codec);
  std::copy(path.begin(), path.end(), bytes.begin() + number_bytes);
  return bytes;
}

}  // namespace

PackSeal::PackSeal(std::string name, Compression compression, std::uint32_t block_size,
                   const std::shared_ptr<const DataKey>& key)
    : name_(std::move(name)), header_(new_object_header(ObjectKind::pack, compression.codec)) {
  header_.hash = HashKind::xxh3_128;
  header_.block_size = block_size;
  set_cipher(header_, key.get());
  static_cast<void>(encode(header_));  // for its CRC
  if (key) cipher_ = std::make_shared<const ObjectCipher>(key, header_, name_);
}

PackSeal::PackSeal(std::string name, std::span<const std::byte> header_bytes, const Keyring* keys)
    : name_(std::move(name)),
      header_(decode_object_header(header_bytes, ObjectKind::pack, name_)),
      cipher_(cipher_of(header_, name_, keys)) {}

std::array<std::byte, object_header_bytes> PackSeal::header_bytes() const {
  auto header = header_;
  return encode(header);
}

std::span<const std::byte> PackSeal::hash_secret() const {
  if (!cipher_) return {};
  return cipher_->data_key().hash_secret();
}

BlockSealer::Sealed BlockSealer::seal(const PackSeal& pack, std::uint64_t offset_bytes, BlockIdentity block,
                                      std::span<const std::byte> clear) {
  const auto compressed = compressor_.compress(clear);
  const auto trailer = std::span(trailer_).first(pack.trailer_bytes());
  if (pack.cipher() == nullptr) {
    put_little_endian(trailer.data(), base::crc32c(compressed.bytes, pack.header().crc));
    return {compressed.codec, compressed.bytes, trailer};
  }
  sealed_.resize(compressed.bytes.size());
  trailer_ = pack.cipher()->seal(offset_bytes, about(block, clear.size(), compressed.codec), compressed.bytes, sealed_);
  return {compressed.codec, sealed_, trailer};
}

void open_block(const PackSeal& pack, const BlockEntry& entry, const BlockHash& hash, BlockIdentity block,
                std::span<const std::byte> stored, std::span<std::byte> clear, const std::string& what) {
  thread_local Expander expander;
  thread_local std::vector<std::byte> opened;
  auto bytes = stored.first(stored.size() - pack.trailer_bytes());
  const auto trailer = stored.subspan(bytes.size());
  if (pack.cipher() == nullptr) {
    if (base::crc32c(bytes, pack.header().crc) != get_little_endian<std::uint32_t>(trailer.data())) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: the checksum is wrong", what));
    }
  } else {
    opened.resize(bytes.size());
    if (!pack.cipher()->open(entry.offset_bytes, about(block, clear.size(), entry.codec), bytes, trailer, opened)) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: its tag is wrong: damaged, or not what was written here", what));
    }
    bytes = opened;
  }
  expander.expand(entry.codec, bytes, clear, what);
  if (hash_block(clear, pack.hash_secret()) != hash) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: the hash is wrong", what));
  }
}

}  // namespace backup_engine::store
