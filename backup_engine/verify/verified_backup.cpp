#include "backup_engine/verify/verified_backup.hpp"

#include <algorithm>
#include <cstring>

#include "backup_engine/store/block_hash.hpp"
#include "backup_engine/store/little_endian.hpp"

namespace backup_engine::verify {

namespace {

std::uint64_t print_of(std::string_view path, std::uint64_t number, std::uint64_t first_block) {
  thread_local std::vector<std::byte> bytes;
  bytes.resize(16 + path.size());
  store::put_little_endian(bytes.data(), number);
  store::put_little_endian(bytes.data() + 8, first_block);
  std::memcpy(bytes.data() + 16, path.data(), path.size());
  return store::get_little_endian<std::uint64_t>(store::hash_block(bytes).data());
}

}  // namespace

VerifiedBackup::VerifiedBackup(store::Storage& storage, const std::string& cluster, const std::string& label) {
  {
    const store::BackupReader reader(storage, cluster, label);  // the file table goes again: it may be large
    manifest_ = reader.manifest();
    extents_.reserve(reader.files().size());
    for (std::size_t i = 0; i < reader.files().size(); ++i) {
      const auto file = reader.files().entry(i);
      std::uint64_t number = 0;
      for (const auto& extent : file.extents) {
        if (extent.block_count == 0) continue;
        const auto count = std::min<std::uint64_t>(extent.block_count, 0xFFFFFFFF);
        const auto last_bytes = static_cast<std::uint32_t>(reader.block_bytes(file, number + count - 1));
        extents_.push_back(
            {print_of(file.path, number, extent.first_block), static_cast<std::uint32_t>(count), last_bytes});
        number += extent.block_count;
      }
    }
  }
  std::ranges::sort(extents_, {}, &Extent::print);
  index_ = std::make_unique<store::BlockIndex>(storage, cluster, manifest_);
}

SharedBlocks VerifiedBackup::shared_blocks(std::string_view path, std::uint64_t number,
                                           std::uint64_t first_block) const {
  const auto print = print_of(path, number, first_block);
  const auto found = std::ranges::lower_bound(extents_, print, {}, &Extent::print);
  if (found == extents_.end() || found->print != print) return {};
  return {found->count, manifest_.block_size_bytes, found->last_bytes};
}

bool VerifiedBackup::has_pack(std::size_t row, const store::PackEntry& pack) const {
  if (row >= manifest_.packs.size()) return false;
  const auto& here = manifest_.packs[row];
  return !here.is_unused() && here.backup_label == pack.backup_label && here.number == pack.number &&
         here.digest == pack.digest;
}

bool VerifiedBackup::has_leaf(const store::BackupReader& other, std::uint64_t leaf) const {
  const auto first_block = leaf * store::leaf_entries;
  if (first_block >= index_->block_count() || first_block >= other.index().block_count()) return false;
  const auto here = index_->leaf_place(leaf), there = other.index().leaf_place(leaf);
  if (here.row >= manifest_.index_backups.size() || there.row >= other.manifest().index_backups.size()) return false;
  return here.slot == there.slot && manifest_.index_backups[here.row] == other.manifest().index_backups[there.row];
}

bool VerifiedBackup::has_block(std::uint64_t block, const store::BlockEntry& entry,
                               const store::BlockHash& hash) const {
  return block < index_->block_count() && index_->entry(block) == entry && index_->hash(block) == hash;
}

}  // namespace backup_engine::verify
