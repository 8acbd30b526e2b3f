#include "backup_engine/verify/verified_packs.hpp"

#include <algorithm>
#include <cstring>

#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::verify {

namespace {

// Of everything that decides whether a block is sound: where it lies, how it is stored, whose it is, its hash.
std::uint64_t print_of(const store::BackupReader& backup, const store::FileEntry& file, std::uint64_t block,
                       std::uint64_t number) {
  const auto entry = backup.index().entry(block);
  const auto hash = backup.index().hash(block);
  thread_local std::vector<std::byte> bytes;
  bytes.resize(28);
  store::put_little_endian(bytes.data(), entry.offset_bytes);
  store::put_little_endian(bytes.data() + 4, entry.stored_bytes);
  store::put_little_endian(bytes.data() + 8, static_cast<std::uint32_t>(entry.codec) << 8U | entry.place);
  store::put_little_endian(bytes.data() + 12, static_cast<std::uint32_t>(backup.block_bytes(file, number)));
  store::put_little_endian(bytes.data() + 16, number);
  bytes.insert(bytes.end(), hash.begin(), hash.end());
  const auto name = std::as_bytes(std::span(file.path));
  bytes.insert(bytes.end(), name.begin(), name.end());
  const auto print = store::hash_block(bytes);
  return store::get_little_endian<std::uint64_t>(print.data());
}

std::vector<std::uint64_t> prints_of(const store::BackupReader& backup, const PlacedBlocks& placed) {
  const auto file = backup.files().entry(placed.file);
  std::vector<std::uint64_t> prints(placed.count);
  for (std::uint32_t i = 0; i < placed.count; ++i) {
    prints[i] = print_of(backup, file, placed.block + i, placed.number + i);
  }
  return prints;
}

}  // namespace

bool VerifiedPacks::pass_over(const std::string& name, const store::ObjectDigest& digest,
                              const store::BackupReader* backup, std::vector<PlacedBlocks>& blocks) {
  std::vector<std::uint64_t> known;
  {
    const std::lock_guard lock(mutex_);
    const auto pack = packs_.find(name);
    if (pack == packs_.end() || pack->second.digest != digest) return false;
    if (!pack->second.sound) return false;
    known = pack->second.blocks;
  }
  if (backup != nullptr) {
    std::erase_if(blocks, [&](const PlacedBlocks& placed) {
      const auto prints = prints_of(*backup, placed);
      return std::all_of(prints.begin(), prints.end(),
                         [&](std::uint64_t print) { return std::binary_search(known.begin(), known.end(), print); });
    });
  }
  return blocks.empty();
}

void VerifiedPacks::add(const std::string& name, const store::ObjectDigest& digest, const store::BackupReader* backup,
                        const std::vector<PlacedBlocks>& blocks, bool sound) {
  std::vector<std::uint64_t> prints;
  if (backup != nullptr && sound) {
    for (const auto& placed : blocks) {
      const auto more = prints_of(*backup, placed);
      prints.insert(prints.end(), more.begin(), more.end());
    }
  }
  const std::lock_guard lock(mutex_);
  auto& pack = packs_[name];
  if (pack.digest != digest) pack = {digest, sound, {}};
  pack.sound = sound;
  pack.blocks.insert(pack.blocks.end(), prints.begin(), prints.end());
  std::sort(pack.blocks.begin(), pack.blocks.end());
}

}  // namespace backup_engine::verify
