// Writes one backup: files are registered, their blocks are hashed, compressed and packed by any number of threads, and
// nothing is visible before publish() has put the manifest. Formats: docs/formats/{pack,block-index,manifest}.md.
//
//   BackupWriter writer(storage, "main", new_backup_label(storage, "main", BackupType::full, utc_now()), compression);
//   each thread:  auto blocks = writer.make_block_writer();
//                 auto file = writer.add_file(entry);            entry.size_bytes decides its number of blocks
//                 for n: crc = crc32c_combine(crc, blocks->put(file, n, bytes), bytes.size())     one block, or more
//                 writer.finish_file(file, crc);
//                 blocks->finish();
//   then:         auto manifest = writer.finish();  … fill it …  writer.publish(std::move(manifest));
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backup_engine/store/backup_order.hpp"
#include "backup_engine/store/file_table.hpp"
#include "backup_engine/store/manifest.hpp"
#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

class BackupReader;
class BlockIndexWriter;
struct BlockEntry;
struct BookedBlocks;

// One page of PostgreSQL. This and the sizes of bundles and packs: docs/adr/0006-small-blocks-in-bundles.md.
inline constexpr std::uint32_t default_block_bytes = 8 * 1024;
inline constexpr std::uint64_t default_pack_bytes = 256ULL * 1024 * 1024;

struct BackupLayout {
  Compression compression;
  std::uint32_t block_size_bytes = default_block_bytes;  // a power of two from 4 KiB to 4 MiB
  std::uint64_t pack_size_bytes = default_pack_bytes;    // a pack ends with the block that reaches it; below 4 GiB
  // In an encrypted repository: that of the chain (manifest.key_id); null: the newest, which a full takes.
  std::optional<KeyId> key_id{};
};

enum class FileId : std::uint32_t {};

class BackupWriter;

// One thread's way to store blocks: its own pack and contexts. Ends before its BackupWriter does.
class BlockWriter {
 public:
  ~BlockWriter();
  // The blocks of `file` from `number` on: whole ones, and the file's last one exactly as long as it is. Returns the
  // CRC-32C of `clear`. Different blocks of one file may come in any order and from several threads. Where the parent
  // has the same content at a block's place in the same file, nothing is stored. Blocks that come together are
  // bundled, within windows of blocks_a_bundle; so callers put many at once.
  std::uint32_t put(FileId file, std::uint64_t number, std::span<const std::byte> clear);
  void finish();  // completes the pack; without it finish() of the BackupWriter throws

 private:
  friend class BackupWriter;
  struct State;
  explicit BlockWriter(BackupWriter& owner);
  void put_window(FileId file, std::uint64_t number, std::span<const std::byte> clear);
  void store(std::uint64_t number, std::size_t from, std::span<const std::byte> clear);
  void begin_pack();
  void end_pack();

  BackupWriter& owner_;
  std::unique_ptr<State> state_;
};

class BackupWriter {
 public:
  // `storage` outlives this. The cluster exists (open_or_create_cluster).
  BackupWriter(Storage& storage, std::string cluster, std::string label, BackupLayout layout);
  // A backup that builds on `parent`: blocks of its size and under its key, whatever the layout says, numbered as
  // there.
  BackupWriter(Storage& storage, std::string cluster, std::string label, BackupLayout layout,
               std::shared_ptr<const BackupReader> parent);
  ~BackupWriter();  // unless published: removes what it put, as far as that works; the rest is debris without a
                    // manifest

  // Thread-safe. `entry` without extents and CRC; a directory or a symlink is complete at once.
  FileId add_file(FileEntry entry);
  void finish_file(FileId file, std::uint32_t crc32c);  // every block was put

  [[nodiscard]] std::unique_ptr<BlockWriter> make_block_writer();
  [[nodiscard]] std::uint32_t block_size_bytes() const { return layout_.block_size_bytes; }
  [[nodiscard]] const std::string& label() const { return label_; }
  // What blocks are hashed with (hash_block); empty in the clear.
  [[nodiscard]] std::span<const std::byte> hash_secret() const;
  [[nodiscard]] std::uint64_t stored_bytes() const { return stored_bytes_; }  // so far, for progress

  // Once, after every BlockWriter finished: writes file table and index and makes all durable. The manifest that it
  // returns lacks only what the caller knows. Throws Error(internal) when a file is not finished.
  [[nodiscard]] Manifest finish();
  // Makes the backup visible and durable. An error leaves open whether it is visible; nothing is removed then.
  void publish(const Manifest& manifest);

 private:
  friend class BlockWriter;
  struct OpenFile;

  // Books the blocks from `number` on against their file: `clear_bytes` long together, at most a window of them.
  void count_blocks(FileId file, std::uint64_t number, std::size_t clear_bytes, BookedBlocks& booked);
  [[nodiscard]] std::pair<std::uint32_t, std::string> begin_pack();  // row of the pack table, object name
  void end_pack(std::uint32_t row, const ObjectDigest& digest);
  // Whether the parent's block has this content; then it is kept. `hash`: null for zeros.
  [[nodiscard]] bool keep_block(std::uint64_t block, const BlockHash* hash);
  [[nodiscard]] ObjectDigest put_table(const std::string& name, ObjectKind kind, std::span<const std::byte> clear);
  void remove_what_was_put() noexcept;

  Storage& storage_;
  const std::string cluster_, label_;
  const std::shared_ptr<const BackupReader> parent_;  // null for a full
  const BackupLayout layout_;
  const std::shared_ptr<const DataKey> key_;  // null in the clear
  std::atomic<std::uint64_t> stored_bytes_ = 0;
  std::mutex mutex_;                    // guards what follows up to put_names_
  std::deque<OpenFile> files_;          // their paths stay where they are
  std::vector<PackEntry> packs_;        // the parent's, at their rows, then our own
  std::vector<bool> parent_pack_used_;  // by row
  std::uint64_t next_block_ = 0;
  std::vector<std::string> put_names_;
  std::atomic<int> open_block_writers_ = 0;
  std::unique_ptr<BlockIndexWriter> index_;
  bool publishing_ = false;
};

}  // namespace backup_engine::store
