// What a BlockWriter learns from its BackupWriter about the blocks that it is about to store.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "backup_engine/store/block_hash.hpp"
#include "backup_engine/store/stored_block.hpp"

namespace backup_engine::store {

// Blocks that follow each other in a file, within one window.
struct BookedBlocks {
  std::string_view path;  // of their file; as long as the BackupWriter lives
  struct Block {
    std::uint64_t id = 0;    // its place in the index
    bool in_parent = false;  // the parent has a block of this length at this place of the same file
    BlockHash hash{};
  };
  std::array<Block, most_blocks_a_bundle> blocks;
};

}  // namespace backup_engine::store
