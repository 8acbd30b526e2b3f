#include "backup_engine/store/block_index.hpp"

#include <fmt/format.h>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/block_index_format.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

// blocks.index or blocks.hashes of one backup, mapped where that is possible.
struct BlockIndex::LeafFile {
  LeafFile(Storage& storage, std::string object_name, ObjectKind kind, std::size_t width)
      : name(std::move(object_name)),
        object(storage.open(name)),
        leaf_bytes(leaf_entries * width + leaf_trailer_bytes) {
    bytes = object->mapping();
    if (bytes.empty()) {
      copy.resize(object->size_bytes());
      copy.resize(object->read_at(0, copy));
      bytes = copy;
    }
    header = decode_object_header(bytes, kind, name);
    const auto below_header = bytes.size() - object_header_bytes;
    if (below_header % leaf_bytes != 0) throw Error(ErrorKind::corrupt, fmt::format("{}: cut off inside a leaf", name));
    checked = std::vector<std::atomic<bool>>(below_header / leaf_bytes);
  }

  // Checks the leaf when it is used first; threads that meet here do so twice, harmlessly.
  const std::byte* leaf(std::uint64_t number, std::uint32_t slot) {
    if (slot >= checked.size()) throw Error(ErrorKind::corrupt, fmt::format("{}: ends before leaf {}", name, number));
    const auto at = bytes.subspan(object_header_bytes + slot * leaf_bytes, leaf_bytes);
    if (!checked[slot].load(std::memory_order_relaxed)) {
      const auto* const trailer = at.data() + leaf_bytes - leaf_trailer_bytes;
      if (get_little_endian<std::uint32_t>(trailer + 12) != leaf_crc(at, header.crc) ||
          get_little_endian<std::uint64_t>(trailer) != number) {
        throw Error(ErrorKind::corrupt, fmt::format("{}: the checksum of leaf {} is wrong", name, number));
      }
      checked[slot].store(true, std::memory_order_relaxed);
    }
    return at.data();
  }

  std::string name;
  std::unique_ptr<StoredObject> object;
  std::size_t leaf_bytes;
  std::vector<std::byte> copy;
  std::span<const std::byte> bytes;
  ObjectHeader header;
  std::vector<std::atomic<bool>> checked;
};

BlockIndex::BlockIndex(Storage& storage, const std::string& cluster, const Manifest& manifest)
    : block_count_(manifest.block_count) {
  const auto& label = manifest.summary.label;
  const auto root_name = block_root_name(cluster, label);
  root_ = read_framed(storage, root_name, ObjectKind::block_root);
  if (root_.size() != (block_count_ + leaf_entries - 1) / leaf_entries * 8) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: has not one row for each leaf", root_name));
  }
  for (const auto& owner : manifest.index_backups) {
    index_.push_back(std::make_unique<LeafFile>(storage, block_index_name(cluster, owner), ObjectKind::block_index,
                                                index_entry_bytes));
    hashes_.push_back(
        std::make_unique<LeafFile>(storage, block_hashes_name(cluster, owner), ObjectKind::block_hashes, hash_bytes));
  }
}

BlockIndex::~BlockIndex() = default;

BlockIndex::Place BlockIndex::place_of(std::uint64_t block) const {
  if (block >= block_count_) throw Error(ErrorKind::corrupt, fmt::format("block {} is not in the index", block));
  const auto* const row = &root_[block / leaf_entries * 8];
  const Place place{get_little_endian<std::uint32_t>(row), get_little_endian<std::uint32_t>(row + 4)};
  if (place.row >= index_.size()) throw Error(ErrorKind::corrupt, "the block root names a backup that does not exist");
  return place;
}

BlockEntry BlockIndex::entry(std::uint64_t block) const {
  const auto place = place_of(block);
  auto& file = *index_[place.row];
  const auto* const at = file.leaf(block / leaf_entries, place.slot) + block % leaf_entries * index_entry_bytes;
  const auto packed = get_little_endian<std::uint32_t>(at + 8);
  const auto codec = (packed & ~stored_mask) >> codec_shift;
  BlockEntry entry;
  entry.pack_row = get_little_endian<std::uint32_t>(at);
  entry.offset_bytes = get_little_endian<std::uint32_t>(at + 4);
  entry.stored_bytes = packed & stored_mask;
  entry.is_zero = (packed & zero_bit) != 0;
  if ((codec & 0xFU) > static_cast<std::uint32_t>(Codec::zstd) || packed >> 29U != 0) {
    throw Error(ErrorKind::unsupported, fmt::format("{}: block {} is stored in an unknown way", file.name, block));
  }
  entry.codec = static_cast<Codec>(codec & 0xFU);
  return entry;
}

BlockHash BlockIndex::hash(std::uint64_t block) const {
  const auto place = place_of(block);
  const auto* const at = hashes_[place.row]->leaf(block / leaf_entries, place.slot) + block % leaf_entries * hash_bytes;
  BlockHash hash;
  std::copy(at, at + hash.size(), hash.begin());
  return hash;
}

}  // namespace backup_engine::store
