// Reads one pack from end to end: its hash, its header, and every block that a backup keeps in it.
#pragma once

#include <string>
#include <vector>

#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/verify/block_placement.hpp"
#include "backup_engine/verify/findings.hpp"

namespace backup_engine::verify {

struct PackVerdict {
  bool is_sound = false;  // all of it, whoever needs it
  std::string damage;     // what is wrong with what the backup needs of it; empty when nothing is
};

// `backup`: null when its tables are damaged or no block is to be unpacked; the pack is then judged by its header and
// hash alone, which cover every byte, and all of it counts as needed. `blocks` are put into the order of the pack. At
// most a few damaged blocks of a pack are named, then only counted.
[[nodiscard]] PackVerdict check_pack(store::Storage& storage, const std::string& name,
                                     const store::ObjectDigest& expected, const store::BackupReader* backup,
                                     std::vector<PlacedBlocks>& blocks, Findings& findings);

}  // namespace backup_engine::verify
