// Reading a file that the server is writing to: short reads are padded, pages that look torn are read again, and what
// stays wrong is remembered until the backup's stop tells whether WAL repairs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backup_engine/backup.hpp"
#include "backup_engine/postgres/lsn.hpp"

namespace backup_engine::backup {

// Fills `buffer` from `offset_bytes` as far as the file goes; returns the bytes read.
using ReadAt = std::function<std::size_t(std::span<std::byte> buffer, std::uint64_t offset_bytes)>;

// A page whose checksum was wrong at every reading.
struct SuspectPage {
  std::string file;
  std::uint32_t page = 0;  // counted from the start of this file
  postgres::Lsn lsn;
  bool changing = false;  // its bytes differed at every reading: the server was writing it
};

// Reads `buffer` (from `offset_bytes`, a multiple of the page size for relations) and fills what lies past the file's
// end with zeros: the file was truncated after it was listed, and WAL repeats that. With `first_block` (the file's
// first page, absolute in the relation) every whole page read is verified and read again while it looks torn; those
// that stay wrong are appended to `suspects`. Errors of `read` pass through.
void read_block(const ReadAt& read, std::span<std::byte> buffer, std::uint64_t offset_bytes,
                std::optional<std::uint32_t> first_block, const std::string& file, std::vector<SuspectPage>& suspects);

// The same look at `bytes` that cannot be read again: pages that are wrong are appended to `suspects`.
void inspect_pages(std::span<const std::byte> bytes, std::uint64_t offset_bytes, std::uint32_t first_block,
                   const std::string& file, std::vector<SuspectPage>& suspects);

// Those of `suspects` that no WAL repairs. A page modified since the backup's start is written whole into the WAL, so a
// torn one with an LSN from `start` to `stop` is put right by replay; an LSN past `stop` is garbage and excuses
// nothing.
[[nodiscard]] std::vector<DamagedPage> damaged_among(const std::vector<SuspectPage>& suspects, postgres::Lsn start,
                                                     postgres::Lsn stop);

}  // namespace backup_engine::backup
