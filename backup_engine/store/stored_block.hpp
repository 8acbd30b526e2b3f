// Blocks as they lie in a pack: some that follow each other in a file, compressed as one bundle and closed by a trailer
// that finds every change. The only place that makes and opens these bytes; writer, reader and verification come here.
// Defined in docs/formats/pack.md; why bundles, in docs/adr/0006-small-blocks-in-bundles.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/store/block_hash.hpp"
#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/codec.hpp"
#include "backup_engine/store/object_cipher.hpp"
#include "backup_engine/store/object_header.hpp"

namespace backup_engine::store {

inline constexpr std::size_t most_blocks_a_bundle = 8;
inline constexpr std::size_t most_bundle_bytes = 64 * 1024;  // in the clear, unless one block is longer

// How many blocks of this size a bundle has at most.
[[nodiscard]] constexpr std::size_t blocks_a_bundle(std::size_t block_size_bytes) {
  if (block_size_bytes == 0 || block_size_bytes >= most_bundle_bytes) return 1;
  const auto fitting = most_bundle_bytes / block_size_bytes;
  return fitting < most_blocks_a_bundle ? fitting : most_blocks_a_bundle;
}

// Which block it is: the path of its file in the backup, and its number in that file. A block that is stored in an
// earlier backup of the chain is still the same block of the same file.
struct BlockIdentity {
  std::string_view path;
  std::uint64_t number = 0;
};

// What protects the blocks of one pack. Copyable; thread-safe.
class PackSeal {
 public:
  PackSeal() = default;
  // Of a pack that is begun under this name, with a fresh salt. `key`: null in the clear.
  PackSeal(std::string name, Compression compression, std::uint32_t block_size,
           const std::shared_ptr<const DataKey>& key);
  // Of a pack that is there. `keys`: null in the clear. Throws as decode_object_header and cipher_of.
  PackSeal(std::string name, std::span<const std::byte> header_bytes, const Keyring* keys);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const ObjectHeader& header() const { return header_; }
  [[nodiscard]] std::array<std::byte, object_header_bytes> header_bytes() const;
  // What follows the stored bytes of each block: its tag, or in the clear its CRC-32C.
  [[nodiscard]] std::uint32_t trailer_bytes() const { return cipher_ ? tag_bytes : block_trailer_bytes; }
  [[nodiscard]] const ObjectCipher* cipher() const { return cipher_.get(); }  // null in the clear
  [[nodiscard]] std::span<const std::byte> hash_secret() const;

 private:
  std::string name_;
  ObjectHeader header_;
  std::shared_ptr<const ObjectCipher> cipher_;
};

// Makes bundles ready to be written; one a thread.
class BlockSealer {
 public:
  explicit BlockSealer(Compression compression) : compressor_(compression) {}
  struct Sealed {
    Codec codec = Codec::none;
    std::span<const std::byte> stored, trailer;  // to be written one after the other; valid until the next call
  };
  // `clear`: whole blocks from `first` on, of which only the file's last may be short; at most blocks_a_bundle.
  // `offset_bytes`: where in the pack the stored bytes will begin; rises from bundle to bundle.
  [[nodiscard]] Sealed seal(const PackSeal& pack, std::uint64_t offset_bytes, BlockIdentity first,
                            std::span<const std::byte> clear);

 private:
  Compressor compressor_;
  std::vector<std::byte> sealed_;
  std::array<std::byte, tag_bytes> trailer_{};
};

// A block that is to be read.
struct WantedBlock {
  BlockIdentity identity;
  std::size_t clear_bytes = 0;
  BlockEntry entry;
};

// How many bytes a bundle of this pack may have in the clear.
[[nodiscard]] std::size_t bundle_room(const PackSeal& pack);
// The bundle in which `block` lies: `stored`, with its trailer, as the index entry says, into `room`, which is
// bundle_room(pack) long. Returns its clear bytes, verified by the trailer. Throws Error(corrupt) that begins with
// `where`. Thread-safe.
[[nodiscard]] std::span<const std::byte> open_bundle(const PackSeal& pack, const WantedBlock& block,
                                                     std::span<const std::byte> stored, std::span<std::byte> room,
                                                     std::string_view where);
// The block's bytes in its bundle, verified by its hash. Throws likewise.
[[nodiscard]] std::span<const std::byte> block_in_bundle(const PackSeal& pack, const WantedBlock& block,
                                                         const BlockHash& hash, std::span<const std::byte> bundle,
                                                         std::string_view where);

}  // namespace backup_engine::store
