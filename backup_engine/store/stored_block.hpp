// One block as it lies in a pack: compressed and closed by a trailer that finds every change. The only place that makes
// and opens these bytes; writer, reader and verification come here. Defined in docs/formats/pack.md.
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

// Makes blocks ready to be written; one a thread.
class BlockSealer {
 public:
  explicit BlockSealer(Compression compression) : compressor_(compression) {}
  struct Sealed {
    Codec codec = Codec::none;
    std::span<const std::byte> stored, trailer;  // to be written one after the other; valid until the next call
  };
  // `offset_bytes`: where in the pack the stored bytes will begin; rises from block to block.
  [[nodiscard]] Sealed seal(const PackSeal& pack, std::uint64_t offset_bytes, BlockIdentity block,
                            std::span<const std::byte> clear);

 private:
  Compressor compressor_;
  std::vector<std::byte> sealed_;
  std::array<std::byte, tag_bytes> trailer_{};
};

// `stored`, with its trailer, as the index entry says, into `clear`, which is as long as the block; verified by trailer
// and hash. Throws Error(corrupt) that begins with `what`. Thread-safe.
void open_block(const PackSeal& pack, const BlockEntry& entry, const BlockHash& hash, BlockIdentity block,
                std::span<const std::byte> stored, std::span<std::byte> clear, const std::string& what);

}  // namespace backup_engine::store
