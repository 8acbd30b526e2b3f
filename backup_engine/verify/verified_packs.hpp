// Which packs were read already, and whether they were sound: the backups of a chain share most of them.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "backup_engine/store/block_hash.hpp"

namespace backup_engine::verify {

// Thread-safe.
class VerifiedPacks {
 public:
  // Whether it was read, was found to be what `digest` says, and so was every block that was looked for in it. One that
  // is damaged each backup reads for itself, to tell whether what it needs is.
  [[nodiscard]] bool is_sound(const std::string& name, const store::ObjectDigest& digest) const;
  // It was read, with the blocks of a backup or without any. Once damaged it stays so.
  void add(const std::string& name, const store::ObjectDigest& digest, bool sound);

 private:
  struct Pack {
    store::ObjectDigest digest;
    bool sound = false;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Pack> packs_;
};

}  // namespace backup_engine::verify
