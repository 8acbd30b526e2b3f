// What was read of the packs already: the backups of a chain share most of their blocks, and each is read once.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "backup_engine/verify/pack_check.hpp"

namespace backup_engine::verify {

// Thread-safe. Eight bytes a block.
class VerifiedPacks {
 public:
  // Takes those out of `blocks` that were verified in this pack before, as the same bytes of the same block. Whether
  // the pack need not be read: nothing is left and all was right. One that is damaged each backup reads for itself, to
  // tell whether what it needs is.
  [[nodiscard]] bool pass_over(const std::string& name, const store::ObjectDigest& digest,
                               const store::BackupReader* backup, std::vector<PlacedBlocks>& blocks);
  // It was read, with these blocks.
  void add(const std::string& name, const store::ObjectDigest& digest, const store::BackupReader* backup,
           const std::vector<PlacedBlocks>& blocks, bool sound);

 private:
  struct Pack {
    store::ObjectDigest digest;
    bool sound = false;
    std::vector<std::uint64_t> blocks;  // a print of each, in order
  };
  std::mutex mutex_;
  std::map<std::string, Pack> packs_;
};

}  // namespace backup_engine::verify
