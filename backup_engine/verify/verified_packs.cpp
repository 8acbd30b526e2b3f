#include "backup_engine/verify/verified_packs.hpp"

#include <algorithm>
#include <cstring>

#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::verify {

namespace {

// Of everything that decides whether a block is sound: where it lies, how it is stored, whose it is, its hash.
std::uint64_t print_of(const store::BackupReader& backup, const PlacedBlock& placed) {
  const auto entry = backup.index().entry(placed.block);
  const auto hash = backup.index().hash(placed.block);
  const auto path = backup.files().path(placed.file);
  thread_local std::vector<std::byte> bytes;
  bytes.resize(28);
  store::put_little_endian(bytes.data(), entry.offset_bytes);
  store::put_little_endian(bytes.data() + 4, entry.stored_bytes);
  store::put_little_endian(bytes.data() + 8, static_cast<std::uint32_t>(entry.codec));
  store::put_little_endian(bytes.data() + 12, placed.clear_bytes);
  store::put_little_endian(bytes.data() + 16, placed.number);
  bytes.insert(bytes.end(), hash.begin(), hash.end());
  const auto name = std::as_bytes(std::span(path));
  bytes.insert(bytes.end(), name.begin(), name.end());
  const auto print = store::hash_block(bytes);
  return store::get_little_endian<std::uint64_t>(print.data());
}

}  // namespace

bool VerifiedPacks::pass_over(const std::string& name, const store::ObjectDigest& digest,
                              const store::BackupReader* backup, std::vector<PlacedBlock>& blocks) {
  std::vector<std::uint64_t> known;
  {
    const std::lock_guard lock(mutex_);
    const auto pack = packs_.find(name);
    if (pack == packs_.end() || pack->second.digest != digest) return false;
    if (!pack->second.sound) return true;
    known = pack->second.blocks;
  }
  if (backup != nullptr) {
    std::erase_if(blocks, [&](const PlacedBlock& placed) {
      return std::binary_search(known.begin(), known.end(), print_of(*backup, placed));
    });
  }
  return blocks.empty();
}

void VerifiedPacks::add(const std::string& name, const store::ObjectDigest& digest, const store::BackupReader* backup,
                        const std::vector<PlacedBlock>& blocks, bool sound) {
  std::vector<std::uint64_t> prints;
  if (backup != nullptr && sound) {
    for (const auto& placed : blocks) prints.push_back(print_of(*backup, placed));
  }
  const std::lock_guard lock(mutex_);
  auto& pack = packs_[name];
  if (pack.digest != digest) pack = {digest, sound, {}};
  pack.sound = sound;
  pack.blocks.insert(pack.blocks.end(), prints.begin(), prints.end());
  std::sort(pack.blocks.begin(), pack.blocks.end());
}

}  // namespace backup_engine::verify
