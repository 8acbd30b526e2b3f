// The files of a backup: small, separate and readable in place. Defined in docs/formats/manifest.md, "File table".
//
//   framed object; clear bytes: u64 records, u64 extents, u64 text bytes, then records (80 bytes each, in order of
//   path), extents (u64 first block, u64 count), text area.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/store/storage.hpp"

namespace backup_engine::store {

enum class FileKind : std::uint8_t { file = 1, directory = 2, symlink = 3 };
// Where the path starts: in the data directory (relative, tablespaces under pg_tblspc/OID/…), or at '/' for a
// configuration file that lies outside it.
enum class FileArea : std::uint8_t { data_directory = 0, external = 1 };

// A run of blocks; a file's blocks are those of its extents, one after the other.
struct BlockExtent {
  std::uint64_t first_block = 0, block_count = 0;
  bool operator==(const BlockExtent&) const = default;
};

struct FileEntry {
  std::string path;
  FileKind kind = FileKind::file;
  FileArea area = FileArea::data_directory;
  std::uint32_t mode = 0;  // permission bits only
  std::uint32_t uid = 0, gid = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  // since 1970 UTC
  std::uint32_t crc32c = 0;      // of the whole file as read
  std::string link_target;       // symlink only
  std::vector<BlockExtent> extents;
  bool operator==(const FileEntry&) const = default;
};

class FileTable {
 public:
  // Checks every offset once, so that reading entries cannot go astray, and every path, so that writing them cannot: in
  // the data directory there is one way to write each, and none leads out of it. Throws Error(corrupt) naming `object`.
  FileTable(std::vector<std::byte> clear, const std::string& object);
  FileTable(FileTable&&) noexcept = default;
  FileTable& operator=(FileTable&&) noexcept = default;

  // Whether the blocks of each file are as many as it needs, and among the backup's. Throws as above.
  void check_blocks(std::uint32_t block_size_bytes, std::uint64_t block_count, const std::string& object) const;

  [[nodiscard]] std::size_t size() const { return record_count_; }
  [[nodiscard]] FileEntry entry(std::size_t index) const;
  [[nodiscard]] std::string_view path(std::size_t index) const;
  [[nodiscard]] std::uint64_t size_bytes(std::size_t index) const;
  [[nodiscard]] std::optional<std::size_t> find(std::string_view path) const;  // by binary search

 private:
  [[nodiscard]] const std::byte* record(std::size_t index) const;
  [[nodiscard]] std::string_view text(std::uint64_t offset, std::uint64_t length) const;
  void check(const std::string& object) const;

  std::vector<std::byte> bytes_;
  std::uint64_t record_count_ = 0, extent_count_ = 0, text_bytes_ = 0;
};

// Sorts `entries` by path. Throws Error(internal) when a path is there twice.
[[nodiscard]] std::vector<std::byte> encode_file_table(std::vector<FileEntry>& entries);

}  // namespace backup_engine::store
