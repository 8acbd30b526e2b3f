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

// What is authenticated with an encrypted bundle beside the pack's name: which block is its first, how long that is,
// and how the bundle is compressed.
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

[[noreturn]] void fail(std::string_view where, BlockIdentity block, std::string_view what) {
  throw Error(ErrorKind::corrupt,
              fmt::format("{}{}block {} of {}: {}", where, where.empty() ? "" : ": ", block.number, block.path, what));
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

BlockSealer::Sealed BlockSealer::seal(const PackSeal& pack, std::uint64_t offset_bytes, BlockIdentity first,
                                      std::span<const std::byte> clear) {
  const auto first_bytes = std::min<std::size_t>(clear.size(), pack.header().block_size);
  const auto compressed = compressor_.compress(clear);
  const auto trailer = std::span(trailer_).first(pack.trailer_bytes());
  if (pack.cipher() == nullptr) {
    put_little_endian(trailer.data(), base::crc32c(compressed.bytes, pack.header().crc));
    return {compressed.codec, compressed.bytes, trailer};
  }
  sealed_.resize(compressed.bytes.size());
  trailer_ = pack.cipher()->seal(offset_bytes, about(first, first_bytes, compressed.codec), compressed.bytes, sealed_);
  return {compressed.codec, sealed_, trailer};
}

std::size_t bundle_room(const PackSeal& pack) {
  return pack.header().block_size * blocks_a_bundle(pack.header().block_size);
}

std::span<const std::byte> open_bundle(const PackSeal& pack, const WantedBlock& block,
                                       std::span<const std::byte> stored, std::span<std::byte> room,
                                       std::string_view where) {
  thread_local Expander expander;
  thread_local std::vector<std::byte> opened;
  const auto& entry = block.entry;
  auto bytes = stored.first(stored.size() - pack.trailer_bytes());
  const auto trailer = stored.subspan(bytes.size());
  if (entry.place >= blocks_a_bundle(pack.header().block_size) || entry.place > block.identity.number) {
    fail(where, block.identity, "its place in its bundle is impossible");
  }
  if (pack.cipher() == nullptr) {
    if (base::crc32c(bytes, pack.header().crc) != get_little_endian<std::uint32_t>(trailer.data())) {
      fail(where, block.identity, "the checksum is wrong");
    }
  } else {
    opened.resize(bytes.size());
    // Where blocks lie before this one, the first is as long as blocks are.
    const auto first_bytes = entry.place > 0 ? pack.header().block_size : block.clear_bytes;
    const auto first = about({block.identity.path, block.identity.number - entry.place}, first_bytes, entry.codec);
    if (!pack.cipher()->open(entry.offset_bytes, first, bytes, trailer, opened)) {
      fail(where, block.identity, "its tag is wrong: damaged, or not what was written here");
    }
    bytes = opened;
  }
  const auto length = expander.expand_within(entry.codec, bytes, room);
  if (!length)
    fail(where, block.identity,
         fmt::format("{} bytes of {} expand to no bundle", bytes.size(), to_string(entry.codec)));
  return room.first(*length);
}

std::span<const std::byte> block_in_bundle(const PackSeal& pack, const WantedBlock& block, const BlockHash& hash,
                                           std::span<const std::byte> bundle, std::string_view where) {
  const auto begin = std::size_t{block.entry.place} * pack.header().block_size;
  if (begin + block.clear_bytes > bundle.size()) fail(where, block.identity, "its bundle ends before it");
  const auto clear = bundle.subspan(begin, block.clear_bytes);
  if (hash_block(clear, pack.hash_secret()) != hash) fail(where, block.identity, "the hash is wrong");
  return clear;
}

}  // namespace backup_engine::store
