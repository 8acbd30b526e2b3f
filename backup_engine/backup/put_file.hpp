// Putting a file's bytes into a backup, whoever read them: whole from memory, or in pieces that several threads finish
// in any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "backup_engine/backup/block_reader.hpp"
#include "backup_engine/backup/source_files.hpp"
#include "backup_engine/postgres/backup_manifest.hpp"
#include "backup_engine/store/backup_writer.hpp"

namespace backup_engine::backup {

struct CopiedFiles {
  std::vector<postgres::ManifestFile> files;
  std::vector<SuspectPage> suspects;
};

[[nodiscard]] store::FileEntry file_entry(const SourceEntry& entry, store::FileKind kind);

// Stores bytes that are already in memory as the file `entry` (its size is set here).
[[nodiscard]] postgres::ManifestFile store_bytes(store::BackupWriter& writer, store::BlockWriter& blocks,
                                                 store::FileEntry entry, std::span<const std::byte> bytes);

// A file cut into pieces of one size (an empty file is one empty piece), and what is known of their CRC-32Cs.
// Thread-safe.
class FileInPieces {
 public:
  FileInPieces(std::uint64_t size_bytes, std::uint64_t piece_bytes);
  [[nodiscard]] std::size_t count() const { return crcs_.size(); }
  [[nodiscard]] std::uint64_t offset_bytes(std::size_t piece) const { return piece * piece_bytes_; }
  [[nodiscard]] std::uint64_t size_bytes(std::size_t piece) const;
  // The whole file's CRC, from the call that completes it.
  [[nodiscard]] std::optional<std::uint32_t> finish_piece(std::size_t piece, std::uint32_t crc);

 private:
  const std::uint64_t size_bytes_, piece_bytes_;
  std::mutex mutex_;
  std::vector<std::uint32_t> crcs_;
  std::size_t pieces_left_;
};

}  // namespace backup_engine::backup
