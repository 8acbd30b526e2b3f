// Which blocks of a backup lie in which pack, for as many packs at a time as memory allows: however large the backup,
// about `most_placed` pieces of it are held. Its index is gone through once, and where that is not enough once more for
// each further stretch of packs, but for the leaves that have nothing there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/verify/verified_backup.hpp"

namespace backup_engine::verify {

// Blocks that follow each other in a file and that a backup keeps in one bundle of a pack.
struct PlacedBlocks {
  std::uint64_t block = 0;  // the first one's number in the backup's index; the others' follow it
  std::uint32_t offset_bytes = 0;
  std::uint32_t count = 0;
  std::uint32_t file = 0;    // its row in the file table
  std::uint64_t number = 0;  // of the first one in that file
};

inline constexpr std::size_t most_placed = 1'000'000;  // 32 MB

// Which blocks of a pack are to be read; `unverified`: but for those that the verified backup has too, in the same
// pack.
enum class Wanted : std::uint8_t { nothing, unverified, everything };

class BlockPlacement {
 public:
  // A stretch of packs: rows [first_row, first_row + blocks.size()) of the pack table, and what is to be read of each.
  struct Stretch {
    std::size_t first_row = 0;
    std::vector<std::vector<PlacedBlocks>> blocks;
  };

  // `wanted`: by row of the pack table. `verified`: of the chain; null when nothing is `unverified`. `backup` and
  // `verified` outlive this. Looks at the place and the hash of every block: throws Error(corrupt) that names the index
  // when they contradict the manifest or the file table.
  BlockPlacement(const store::BackupReader& backup, std::string index_name, std::vector<Wanted> wanted,
                 const VerifiedBackup* verified, std::size_t most = most_placed);

  // The next packs, in order of their rows; nullopt behind the last. Throws as the index does.
  [[nodiscard]] std::optional<Stretch> next();

 private:
  enum class Pass : std::uint8_t { first, again };
  struct Rows {
    std::uint32_t first = 0xFFFFFFFF, last = 0;
  };
  struct Extent;
  template <typename Visit>
  void walk(Pass pass, Rows rows, Visit visit);
  template <typename Visit>
  void walk_extent(const Extent& extent, Pass pass, Rows rows, Visit& visit);
  [[nodiscard]] bool is_wanted(const Extent& extent, const PlacedBlocks& at, const store::BlockEntry& entry,
                               bool same_leaf) const;

  const store::BackupReader& backup_;
  const std::string index_name_;
  const std::vector<Wanted> wanted_;
  const VerifiedBackup* const verified_;
  const std::size_t most_;
  std::vector<std::uint64_t> held_;  // by row: pieces to be read
  std::vector<Rows> leaves_;         // in which rows the blocks of each leaf lie that are to be read
  std::size_t next_row_ = 0;
  std::optional<Stretch> whole_;  // where all of it is one stretch
};

}  // namespace backup_engine::verify
