// Reads a published backup: its manifest, its files, and any block of them, each verified by CRC and hash.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/file_table.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

class BackupReader {
 public:
  // `storage` outlives this. Throws Error: not_found (no such backup), corrupt (object named), unsupported.
  BackupReader(Storage& storage, const std::string& cluster, const std::string& label);
  ~BackupReader();

  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] const FileTable& files() const { return *files_; }
  [[nodiscard]] const BlockIndex& index() const { return *index_; }
  [[nodiscard]] std::string pack_object_name(std::uint32_t row) const;  // of the pack table

  [[nodiscard]] std::uint64_t block_count(const FileEntry& file) const;
  // Bytes of block `number` of `file`: the block size, or less for its last block.
  [[nodiscard]] std::size_t block_bytes(const FileEntry& file, std::uint64_t number) const;
  // Whether the block is all zeros and stored nowhere: a restore leaves a hole.
  [[nodiscard]] bool is_zero_block(const FileEntry& file, std::uint64_t number) const;

  // Whether the block's content is `clear` (block_bytes long), by its hash: what lies elsewhere is compared, not
  // trusted.
  [[nodiscard]] bool holds(const FileEntry& file, std::uint64_t number, std::span<const std::byte> clear) const;
  // Where the block lies. Throws Error(corrupt) as the index does.
  [[nodiscard]] BlockEntry place(const FileEntry& file, std::uint64_t number) const {
    return index_->entry(block_id(file, number));
  }

  // Fills `clear` (block_bytes long), verified. Thread-safe. Throws Error(corrupt, not_found) naming the pack.
  void read_block(const FileEntry& file, std::uint64_t number, std::span<std::byte> clear) const;
  // `count` blocks from `first` on into `clear` (as long as all of them), where blocks lie side by side in a pack with
  // one read. Thread-safe.
  void read_blocks(const FileEntry& file, std::uint64_t first, std::uint64_t count, std::span<std::byte> clear) const;

 private:
  struct OpenPack;
  struct Packs;
  struct BlockRange {
    std::uint64_t first, end;
  };
  [[nodiscard]] std::uint64_t block_id(const FileEntry& file, std::uint64_t number) const;
  void read_run(const FileEntry& file, BlockRange range, const BlockEntry& first_entry, std::size_t stored_bytes,
                std::span<std::byte> clear) const;
  // A block of an opened bundle, verified, into `clear`, where it may lie already.
  void copy_block(const OpenPack& pack, const FileEntry& file, std::uint64_t number, std::span<const std::byte> bundle,
                  std::span<std::byte> clear) const;

  const std::uint64_t id_;  // of no other reader in this process
  Storage& storage_;
  std::string cluster_;
  Manifest manifest_;
  std::unique_ptr<FileTable> files_;
  std::unique_ptr<BlockIndex> index_;
  std::unique_ptr<Packs> packs_;
};

}  // namespace backup_engine::store
