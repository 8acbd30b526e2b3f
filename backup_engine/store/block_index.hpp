// Where each block of a backup lies: flat, memory-mappable, used without parsing. Defined in
// docs/formats/block-index.md.
//
//   blocks.index   object header, then leaves of 1024 entries (12 bytes each) and a trailer (16 bytes)
//   blocks.hashes  object header, then leaves of 1024 hashes (XXH3-128, 16 bytes, big-endian) and a trailer
//   trailer        leaf_seal.hpp
//   blocks.root    framed object: per leaf u32 row of the manifest's index_backups, u32 slot in that backup's
//   objects
//
// A backup writes the leaves that it changed, in the order in which they became complete; a full writes all in which a
// block is in use. The others of a chain's backup stand where its parent has them.
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

// u32 row of the pack table, u32 offset of its bundle in the pack, u32: bits 0-23 stored length of the bundle without
// trailer, 24-27 codec, 28 the block is all zeros (and nothing is stored), 29-31 its place in the bundle.
struct BlockEntry {
  std::uint32_t pack_row = 0;
  std::uint32_t offset_bytes = 0;
  std::uint32_t stored_bytes = 0;
  Codec codec = Codec::none;
  bool is_zero = true;
  std::uint8_t place = 0;  // in its bundle: so many blocks lie before it
  bool operator==(const BlockEntry&) const = default;
};

class DataKey;
class LeafCache;

class BlockIndex;

// Where a leaf lies: the row of the manifest's index_backups and the slot in that backup's objects.
struct LeafPlace {
  static constexpr std::uint32_t nowhere = 0xFFFFFFFF;  // the row of a leaf in which no block is in use
  std::uint32_t row = nowhere, slot = 0;
};

// What a backup of a chain builds on.
struct ParentIndex {
  const BlockIndex* blocks = nullptr;      // outlives the writer
  std::vector<std::string> index_backups;  // of its manifest
  std::vector<std::uint16_t> used;         // by leaf: how many of its blocks belong to a file
};

// Takes entries in any order from any thread and writes each changed leaf once it is complete: memory is bounded by the
// files in flight and, in a chain, by the changed leaves of files that went since the parent.
class BlockIndexWriter {
 public:
  // `key`: null in the clear. `parent`: without blocks for a full.
  BlockIndexWriter(Storage& storage, const std::string& cluster, const std::string& label, std::uint32_t block_size,
                   const std::shared_ptr<const DataKey>& key = nullptr, ParentIndex parent = {});
  ~BlockIndexWriter();
  // Each block once, by one of the two; `keep` leaves it as the parent has it.
  void set(std::uint64_t block, const BlockEntry& entry, const BlockHash& hash);
  void keep(std::uint64_t block);
  // All blocks in use below `block_count` were set or kept: writes the rest and commits (on_sync) both objects. Returns
  // the root.
  std::vector<std::byte> finish(std::uint64_t block_count);
  [[nodiscard]] const ObjectDigest& index_digest() const { return index_digest_; }
  [[nodiscard]] const ObjectDigest& hashes_digest() const { return hashes_digest_; }
  // The manifest's, after finish: this backup, then those of the chain whose leaves are used.
  [[nodiscard]] const std::vector<std::string>& index_backups() const { return index_backups_; }

 private:
  struct Contents;
  struct OpenLeaf;
  struct Output;
  OpenLeaf& leaf_of(std::uint64_t number);
  [[nodiscard]] std::size_t holes_in(std::uint64_t number) const;
  void count(std::uint64_t number, OpenLeaf& leaf);
  void close(std::uint64_t number, const OpenLeaf& leaf);
  [[nodiscard]] LeafPlace place_in_parent(std::uint64_t number);

  const ParentIndex parent_;
  std::mutex mutex_;  // guards what follows
  std::map<std::uint64_t, OpenLeaf> open_;
  std::vector<LeafPlace> places_;  // of the leaves that are complete
  std::vector<std::string> index_backups_;
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
  [[nodiscard]] LeafPlace leaf_place(std::uint64_t number) const;  // below the number of leaves

 private:
  struct LeafFile;
  [[nodiscard]] LeafPlace place_of(std::uint64_t block) const;

  std::uint64_t block_count_;
  std::vector<std::byte> root_;
  std::vector<std::unique_ptr<LeafFile>> index_, hashes_;  // by row of index_backups
  std::unique_ptr<LeafCache> opened_;
};

}  // namespace backup_engine::store
