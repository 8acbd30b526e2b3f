#include "backup_engine/store/block_index.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/block_index_format.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/leaf_cache.hpp"
#include "backup_engine/store/leaf_seal.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t most_open_leaves = 512;  // of encrypted indexes: at most 8 MiB

}  // namespace

// blocks.index or blocks.hashes of one backup. In the clear it is used where it lies, mapped where that is possible;
// encrypted leaves are read and opened as they are needed.
struct BlockIndex::LeafFile {
  LeafFile(Storage& storage, const std::string& name, ObjectKind kind, std::size_t width)
      : object(storage.open(name)), seal(name, kind, width, header_of(*object), storage.keys().get()) {
    if (!seal.encrypts()) {
      bytes = object->mapping();
      if (bytes.empty()) {
        copy.resize(object->size_bytes());
        copy.resize(object->read_at(0, copy));
        bytes = copy;
      }
    }
    const auto below_header = object->size_bytes() - object_header_bytes;
    if (below_header % seal.stored_bytes() != 0) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: cut off inside a leaf", name));
    }
    leaf_count = below_header / seal.stored_bytes();
    if (!seal.encrypts()) checked = std::vector<std::atomic<bool>>(leaf_count);
  }

  static std::vector<std::byte> header_of(const StoredObject& object) {
    std::vector<std::byte> header(object_header_bytes);
    header.resize(object.read_at(0, header));
    return header;
  }

  // Copies `into.size()` bytes from `offset_bytes` of the leaf's entries, checked.
  void read(std::uint64_t number, std::uint32_t slot, std::size_t offset_bytes, std::span<std::byte> into,
            LeafCache& opened) {
    if (slot >= leaf_count) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: ends before leaf {}", seal.name(), number));
    }
    if (seal.encrypts()) {
      const auto leaf = opened.get({this, slot}, [&] { return open(number, slot); });
      std::copy_n(leaf->begin() + static_cast<std::ptrdiff_t>(offset_bytes), into.size(), into.begin());
      return;
    }
    const auto at = bytes.subspan(seal.offset_of(slot), seal.stored_bytes());
    if (!checked[slot].load(std::memory_order_relaxed)) {  // threads that meet here do so twice, harmlessly
      seal.check(number, at);
      checked[slot].store(true, std::memory_order_relaxed);
    }
    std::copy_n(at.begin() + static_cast<std::ptrdiff_t>(offset_bytes), into.size(), into.begin());
  }

  std::vector<std::byte> open(std::uint64_t number, std::uint32_t slot) const {
    std::vector<std::byte> stored(seal.stored_bytes());
    if (object->read_at(seal.offset_of(slot), stored) != stored.size()) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: ends inside leaf {}", seal.name(), number));
    }
    return seal.open(number, slot, stored);
  }

  std::unique_ptr<StoredObject> object;
  LeafSeal seal;
  std::vector<std::byte> copy;
  std::span<const std::byte> bytes;
  std::uint64_t leaf_count = 0;
  std::vector<std::atomic<bool>> checked;
};

BlockIndex::BlockIndex(Storage& storage, const std::string& cluster, const Manifest& manifest)
    : block_count_(manifest.block_count), opened_(std::make_unique<LeafCache>(most_open_leaves)) {
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

LeafPlace BlockIndex::leaf_place(std::uint64_t number) const {
  const auto* const row = &root_[number * 8];
  return {get_little_endian<std::uint32_t>(row), get_little_endian<std::uint32_t>(row + 4)};
}

LeafPlace BlockIndex::place_of(std::uint64_t block) const {
  if (block >= block_count_) throw Error(ErrorKind::corrupt, fmt::format("block {} is not in the index", block));
  const auto place = leaf_place(block / leaf_entries);
  if (place.row >= index_.size()) throw Error(ErrorKind::corrupt, "the block root names a backup that does not exist");
  return place;
}

BlockEntry BlockIndex::entry(std::uint64_t block) const {
  const auto place = place_of(block);
  auto& file = *index_[place.row];
  std::array<std::byte, index_entry_bytes> bytes{};
  file.read(block / leaf_entries, place.slot, block % leaf_entries * index_entry_bytes, bytes, *opened_);
  const auto* const at = bytes.data();
  const auto packed = get_little_endian<std::uint32_t>(at + 8);
  const auto codec = packed >> codec_shift & 0xFU;
  BlockEntry entry;
  entry.pack_row = get_little_endian<std::uint32_t>(at);
  entry.offset_bytes = get_little_endian<std::uint32_t>(at + 4);
  entry.stored_bytes = packed & stored_mask;
  entry.is_zero = (packed & zero_bit) != 0;
  entry.place = static_cast<std::uint8_t>(packed >> place_shift);
  if (codec > static_cast<std::uint32_t>(Codec::zstd)) {
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: block {} is stored in an unknown way", file.seal.name(), block));
  }
  entry.codec = static_cast<Codec>(codec);
  return entry;
}

BlockHash BlockIndex::hash(std::uint64_t block) const {
  const auto place = place_of(block);
  BlockHash hash;
  hashes_[place.row]->read(block / leaf_entries, place.slot, block % leaf_entries * hash_bytes, hash, *opened_);
  return hash;
}

}  // namespace backup_engine::store
