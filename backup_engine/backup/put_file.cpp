#include "backup_engine/backup/put_file.hpp"

#include <algorithm>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/file_time.hpp"
#include "backup_engine/base/pieces.hpp"

namespace backup_engine::backup {

store::FileEntry file_entry(const SourceEntry& entry, store::FileKind kind) {
  store::FileEntry result;
  result.path = entry.path;
  result.kind = kind;
  result.mode = entry.mode;
  result.uid = entry.user;
  result.gid = entry.group;
  return result;
}

postgres::ManifestFile store_bytes(store::BackupWriter& writer, store::BlockWriter& blocks, store::FileEntry entry,
                                   std::span<const std::byte> bytes) {
  entry.kind = store::FileKind::file;
  entry.size_bytes = bytes.size();
  postgres::ManifestFile stored{entry.path, entry.size_bytes, base::from_nanoseconds(entry.modified_ns), 0};
  const auto file = writer.add_file(std::move(entry));
  stored.crc32c = blocks.put(file, 0, bytes);
  writer.finish_file(file, stored.crc32c);
  return stored;
}

FileInPieces::FileInPieces(std::uint64_t size_bytes, std::uint64_t piece_bytes)
    : size_bytes_(size_bytes),
      piece_bytes_(piece_bytes),
      crcs_(base::piece_count(size_bytes, piece_bytes)),
      pieces_left_(crcs_.size()) {}

std::uint64_t FileInPieces::size_bytes(std::size_t piece) const {
  return std::min(piece_bytes_, size_bytes_ - offset_bytes(piece));
}

std::optional<std::uint32_t> FileInPieces::finish_piece(std::size_t piece, std::uint32_t crc) {
  const std::lock_guard lock(mutex_);
  crcs_[piece] = crc;
  if (--pieces_left_ > 0) return std::nullopt;
  std::uint32_t whole = 0;
  for (std::size_t i = 0; i < crcs_.size(); ++i) whole = base::crc32c_combine(whole, crcs_[i], size_bytes(i));
  return whole;
}

}  // namespace backup_engine::backup
