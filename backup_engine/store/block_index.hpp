// Where each block of a backup lies: flat, memory-mappable, used without parsing. Defined in
// docs/formats/block-index.md.
//
//   blocks.index   object header, then leaves of 1024 entries (12 bytes each) and a trailer (16 bytes)
//   blocks.hashes  object header, then leaves of 1024 hashes (XXH3-128, 16 bytes, big-endian) and a trailer
//   trailer        leaf_seal.hpp
//   blocks.root    framed object: per leaf u32 row of the manifest's index_backups, u32 slot in that backup's
//   objects
//
// A backup writes the leaves that it changed, in the order in which they became complete; a full writes all.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "backup_engine/store/block_hash.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/object_header.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

inline constexpr std::size_t leaf_entries = 1024;
inline constexpr std::size_t index_entry_bytes = 12;
inline constexpr std::size_t leaf_trailer_bytes = 16;
inline constexpr std::uint32_t block_trailer_bytes = 4;  // after each block in a pack in the clear: its CRC-32C

// u32 row of the pack table, u32 offset in the pack, u32: bits 0-23 stored length without trailer, 24-27 codec,
// 28 the block is all zeros (and nothing is stored), 29-31 zero.
struct BlockEntry {
  std::uint32_t pack_row = 0;
  std::uint32_t offset_bytes = 0;
  std::uint32_t stored_bytes = 0;
  Codec codec = Codec::none;
  bool is_zero = true;
  bool operator==(const BlockEntry&) const = default;
};

class DataKey;
class LeafCache;

// Takes entries in any order from any thread and writes each leaf once it is complete: memory is bounded by the files
// in flight.
class BlockIndexWriter {
 public:
  // `key`: null in the clear.
  BlockIndexWriter(Storage& storage, const std::string& cluster, const std::string& label, std::uint32_t block_size,
                   const std::shared_ptr<const DataKey>& key = nullptr);
  ~BlockIndexWriter();
  void set(std::uint64_t block, const BlockEntry& entry, const BlockHash& hash);
  // All blocks below `block_count` were set: writes the rest and commits (on_sync) both objects. Returns the root.
  std::vector<std::byte> finish(std::uint64_t block_count);
  [[nodiscard]] const ObjectDigest& index_digest() const { return index_digest_; }
  [[nodiscard]] const ObjectDigest& hashes_digest() const { return hashes_digest_; }

 private:
  struct Leaf;
  struct Output;
  void write_leaf(std::uint64_t number, Leaf& leaf);

  std::mutex mutex_;
  std::map<std::uint64_t, std::unique_ptr<Leaf>> open_;
  std::vector<std::uint32_t> slots_;  // of each leaf; all ones: not written yet
  std::uint32_t next_slot_ = 0;
  std::unique_ptr<Output> index_, hashes_;
  ObjectDigest index_digest_, hashes_digest_;
};

// Thread-safe. A leaf is checked when it is first used.
class BlockIndex {
 public:
  // Throws Error(corrupt, not_found) naming the object.
  BlockIndex(Storage& storage, const std::string& cluster, const Manifest& manifest);
  ~BlockIndex();
  [[nodiscard]] BlockEntry entry(std::uint64_t block) const;
  [[nodiscard]] BlockHash hash(std::uint64_t block) const;
  [[nodiscard]] std::uint64_t block_count() const { return block_count_; }

 private:
  struct LeafFile;
  struct Place {
    std::uint32_t row = 0, slot = 0;
  };
  [[nodiscard]] Place place_of(std::uint64_t block) const;

  std::uint64_t block_count_;
  std::vector<std::byte> root_;
  std::vector<std::unique_ptr<LeafFile>> index_, hashes_;  // by row of index_backups
  std::unique_ptr<LeafCache> opened_;
};

}  // namespace backup_engine::store
