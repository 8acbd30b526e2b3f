// What protects the leaves of blocks.index and blocks.hashes. The only place that makes and checks their trailers.
// Defined in docs/formats/block-index.md.
//
//   in the clear   1024 entries | u64 leaf number | u32 0 | u32 CRC-32C of all before, continued from the header's
//   encrypted      1024 entries, encrypted | u64 leaf number | u32 0 | tag (16 bytes)
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backup_engine/store/object_cipher.hpp"
#include "backup_engine/store/object_header.hpp"

namespace backup_engine::store {

// Immutable and so thread-safe.
class LeafSeal {
 public:
  // Of an object that is begun under this name. `entry_bytes`: width of an entry. `key`: null in the clear.
  LeafSeal(std::string name, ObjectKind kind, std::size_t entry_bytes, std::uint32_t block_size,
           const std::shared_ptr<const DataKey>& key);
  // Of an object that is there. Throws as decode_object_header and cipher_of.
  LeafSeal(std::string name, ObjectKind kind, std::size_t entry_bytes, std::span<const std::byte> header_bytes,
           const Keyring* keys);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::array<std::byte, object_header_bytes> header_bytes() const;
  [[nodiscard]] bool encrypts() const { return cipher_ != nullptr; }
  [[nodiscard]] std::size_t entries_bytes() const { return entries_bytes_; }  // of one leaf, without its trailer
  [[nodiscard]] std::size_t stored_bytes() const;                             // with it
  [[nodiscard]] std::uint64_t offset_of(std::uint64_t slot) const;            // in the object

  // The leaf as it is stored in this slot; `entries` in the clear.
  [[nodiscard]] std::vector<std::byte> seal(std::uint64_t number, std::uint64_t slot,
                                            std::span<const std::byte> entries) const;
  // In the clear: throws Error(corrupt), naming object and leaf, unless `stored` is leaf `number`.
  void check(std::uint64_t number, std::span<const std::byte> stored) const;
  // Encrypted: the entries. Throws as check.
  [[nodiscard]] std::vector<std::byte> open(std::uint64_t number, std::uint64_t slot,
                                            std::span<const std::byte> stored) const;

 private:
  std::string name_;
  ObjectHeader header_;
  std::size_t entries_bytes_;
  std::shared_ptr<const ObjectCipher> cipher_;
};

}  // namespace backup_engine::store
