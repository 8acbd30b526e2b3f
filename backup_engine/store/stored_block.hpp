// One block as it lies in a pack: compressed and closed by a trailer that finds every change. The only place that makes
// and opens these bytes; writer, reader and verification come here. Defined in docs/formats/pack.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "backup_engine/store/block_hash.hpp"
#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/codec.hpp"
#include "backup_engine/store/object_header.hpp"

namespace backup_engine::store {

class Keyring;

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
  // Of a pack that is begun under this name, with a fresh salt. `keys`: null in the clear; what is needed
  // of them is kept.
  PackSeal(std::string name, Compression compression, std::uint32_t block_size, const Keyring* keys);
  // Of a pack that is there. Throws as decode_object_header.
  PackSeal(std::string name, std::span<const std::byte> header_bytes, const Keyring* keys);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const ObjectHeader& header() const { return header_; }
  [[nodiscard]] std::array<std::byte, object_header_bytes> header_bytes() const;
  // What follows the stored bytes of each block.
  [[nodiscard]] std::uint32_t trailer_bytes() const { return block_trailer_bytes; }

 private:
  std::string name_;
  ObjectHeader header_;
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
  std::array<std::byte, block_trailer_bytes> trailer_{};
};

// `stored`, with its trailer, as the index entry says, into `clear`, which is as long as the block; verified by trailer
// and hash. Throws Error(corrupt) that begins with `what`. Thread-safe.
void open_block(const PackSeal& pack, const BlockEntry& entry, const BlockHash& hash, BlockIdentity block,
                std::span<const std::byte> stored, std::span<std::byte> clear, const std::string& what);

}  // namespace backup_engine::store
