#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/block_index_format.hpp"
#include "backup_engine/store/leaf_seal.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

// Entries and hashes of a leaf that differs from the parent's.
struct BlockIndexWriter::Contents {
  Contents() : entries(leaf_entries * index_entry_bytes), hashes(leaf_entries * hash_bytes) {
    for (std::size_t i = 0; i < leaf_entries; ++i) encode_entry(BlockEntry{}, &entries[i * index_entry_bytes]);
  }
  void put(std::size_t place, const BlockEntry& entry, const BlockHash& hash) {
    encode_entry(entry, &entries[place * index_entry_bytes]);
    std::copy(hash.begin(), hash.end(), &hashes[place * hash_bytes]);
  }
  std::vector<std::byte> entries, hashes;
};

// A leaf of which not every block has come. Those that never come count as zeros, or are what the parent has there.
struct BlockIndexWriter::OpenLeaf {
  std::size_t missing = leaf_entries;
  std::unique_ptr<Contents> changed;  // null while all is as in the parent
};

struct BlockIndexWriter::Output {
  Output(Storage& storage, const std::string& name, ObjectKind kind, std::size_t width, std::uint32_t block_size,
         const std::shared_ptr<const DataKey>& key)
      : put(storage.begin_put(name)), seal(name, kind, width, block_size, key) {
    write(seal.header_bytes());
  }
  void write(std::span<const std::byte> bytes) {
    hash.update(bytes);
    put->write(bytes);
  }
  ObjectDigest commit() {
    ObjectDigest digest{put->size_bytes(), hash.hex()};
    put->commit(Durability::on_sync);
    return digest;
  }

  std::unique_ptr<PutStream> put;
  LeafSeal seal;
  StreamHash hash;
};

BlockIndexWriter::BlockIndexWriter(Storage& storage, const std::string& cluster, const std::string& label,
                                   std::uint32_t block_size, const std::shared_ptr<const DataKey>& key,
                                   ParentIndex parent)
    : parent_(std::move(parent)),
      index_backups_{label},
      index_(std::make_unique<Output>(storage, block_index_name(cluster, label), ObjectKind::block_index,
                                      index_entry_bytes, block_size, key)),
      hashes_(std::make_unique<Output>(storage, block_hashes_name(cluster, label), ObjectKind::block_hashes, hash_bytes,
                                       block_size, key)) {}

BlockIndexWriter::~BlockIndexWriter() = default;

void BlockIndexWriter::set(std::uint64_t block, const BlockEntry& entry, const BlockHash& hash) {
  const auto number = block / leaf_entries;
  const std::lock_guard lock(mutex_);
  auto& leaf = leaf_of(number);
  if (!leaf.changed) {
    leaf.changed = std::make_unique<Contents>();
    // What files of the parent have here and this backup keeps.
    const auto known = parent_.blocks != nullptr ? parent_.blocks->block_count() : 0;
    const auto first = number * leaf_entries;
    const auto end = std::min<std::uint64_t>(known, first + leaf_entries);
    if (first < end && parent_.blocks->leaf_place(number).row != LeafPlace::nowhere) {
      for (auto n = first; n < end; ++n) {
        leaf.changed->put(n - first, parent_.blocks->entry(n), parent_.blocks->hash(n));
      }
    }
  }
  leaf.changed->put(block % leaf_entries, entry, hash);
  count(number, leaf);
}

void BlockIndexWriter::keep(std::uint64_t block) {
  const auto number = block / leaf_entries;
  const std::lock_guard lock(mutex_);
  count(number, leaf_of(number));
}

BlockIndexWriter::OpenLeaf& BlockIndexWriter::leaf_of(std::uint64_t number) {
  if (number < places_.size() && places_[number].row != LeafPlace::nowhere) {
    throw Error(ErrorKind::internal, "a block was put twice");
  }
  const auto [leaf, is_new] = open_.try_emplace(number);
  if (is_new) leaf->second.missing -= holes_in(number);
  return leaf->second;
}

// Blocks that no file of the parent has, nor will one of this backup: they count as come.
std::size_t BlockIndexWriter::holes_in(std::uint64_t number) const {
  if (number >= parent_.used.size()) return 0;
  const auto first = number * leaf_entries;
  const auto numbered = std::min<std::uint64_t>(parent_.blocks->block_count() - first, leaf_entries);
  return numbered - std::min<std::uint64_t>(parent_.used[number], numbered);
}

void BlockIndexWriter::count(std::uint64_t number, OpenLeaf& leaf) {
  if (--leaf.missing > 0) return;
  close(number, leaf);
  open_.erase(number);
}

void BlockIndexWriter::close(std::uint64_t number, const OpenLeaf& leaf) {
  if (places_.size() <= number) places_.resize(number + 1);
  if (!leaf.changed) {
    places_[number] = place_in_parent(number);
    return;
  }
  index_->write(index_->seal.seal(number, next_slot_, leaf.changed->entries));
  hashes_->write(hashes_->seal.seal(number, next_slot_, leaf.changed->hashes));
  places_[number] = {0, next_slot_++};
}

LeafPlace BlockIndexWriter::place_in_parent(std::uint64_t number) {
  auto place = parent_.blocks->leaf_place(number);
  const auto& owner = parent_.index_backups.at(place.row);
  const auto found = std::find(index_backups_.begin(), index_backups_.end(), owner);
  place.row = static_cast<std::uint32_t>(found - index_backups_.begin());
  if (found == index_backups_.end()) index_backups_.push_back(owner);
  return place;
}

std::vector<std::byte> BlockIndexWriter::finish(std::uint64_t block_count) {
  const std::lock_guard lock(mutex_);
  const auto leaf_count = (block_count + leaf_entries - 1) / leaf_entries;
  for (const auto& [number, leaf] : open_) close(number, leaf);
  open_.clear();
  if (places_.size() > leaf_count) {
    throw Error(ErrorKind::internal, fmt::format("blocks were put past the last one, {}", block_count));
  }
  places_.resize(leaf_count);
  index_digest_ = index_->commit();
  hashes_digest_ = hashes_->commit();
  std::vector<std::byte> root(leaf_count * 8);
  for (std::size_t i = 0; i < leaf_count; ++i) {
    put_little_endian(&root[i * 8], places_[i].row);
    put_little_endian(&root[i * 8 + 4], places_[i].slot);
  }
  return root;
}

}  // namespace backup_engine::store
