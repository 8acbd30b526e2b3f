// A backup whose blocks were verified, for another one of its chain: what that one keeps of it need not be read again.
// Holds 16 bytes for each extent of a file; its index stays where it is, and is looked into.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backup_engine/store/backup_reader.hpp"

namespace backup_engine::verify {

// Blocks that follow each other in the index and in a file.
struct SharedBlocks {
  std::uint64_t count = 0;
  std::uint32_t block_bytes = 0, last_bytes = 0;  // of each, and of the last one

  // Whether the block behind `before` others is among them and, there too, `bytes` long.
  [[nodiscard]] bool has(std::uint64_t before, std::uint64_t bytes) const {
    return before < count && bytes == (before + 1 == count ? last_bytes : block_bytes);
  }
};

class VerifiedBackup {
 public:
  // `storage` outlives this. Throws as BackupReader.
  VerifiedBackup(store::Storage& storage, const std::string& cluster, const std::string& label);

  // Those from `first_block` on that are, here too, the blocks of the file `path` from `number` on.
  [[nodiscard]] SharedBlocks shared_blocks(std::string_view path, std::uint64_t number,
                                           std::uint64_t first_block) const;
  // Whether row `row` of the pack table is this pack here too.
  [[nodiscard]] bool has_pack(std::size_t row, const store::PackEntry& pack) const;
  // Whether the leaf of the other backup's index is the very one that this backup uses.
  [[nodiscard]] bool has_leaf(const store::BackupReader& other, std::uint64_t leaf) const;
  // Whether the block lies in the same place, with the same hash.
  [[nodiscard]] bool has_block(std::uint64_t block, const store::BlockEntry& entry, const store::BlockHash& hash) const;

 private:
  struct Extent {
    std::uint64_t print = 0;  // of the file, where in it, and the first block
    std::uint32_t count = 0, last_bytes = 0;
  };
  std::vector<Extent> extents_;  // in order of print
  store::Manifest manifest_;
  std::unique_ptr<store::BlockIndex> index_;
};

}  // namespace backup_engine::verify
