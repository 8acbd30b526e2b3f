#include <fmt/format.h>

#include <limits>

#include "backup_engine/base/error.hpp"
#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/block_index_format.hpp"
#include "backup_engine/store/leaf_seal.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

constexpr auto not_written = std::numeric_limits<std::uint32_t>::max();

}  // namespace

// A leaf that is being filled: every entry counts as all zeros until it is set.
struct BlockIndexWriter::Leaf {
  Leaf() : entries(leaf_entries * index_entry_bytes), hashes(leaf_entries * hash_bytes) {
    for (std::size_t i = 0; i < leaf_entries; ++i) encode_entry(BlockEntry{}, &entries[i * index_entry_bytes]);
  }
  std::vector<std::byte> entries, hashes;
  std::size_t missing = leaf_entries;
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
                                   std::uint32_t block_size, const std::shared_ptr<const DataKey>& key)
    : index_(std::make_unique<Output>(storage, block_index_name(cluster, label), ObjectKind::block_index,
                                      index_entry_bytes, block_size, key)),
      hashes_(std::make_unique<Output>(storage, block_hashes_name(cluster, label), ObjectKind::block_hashes, hash_bytes,
                                       block_size, key)) {}

BlockIndexWriter::~BlockIndexWriter() = default;

void BlockIndexWriter::set(std::uint64_t block, const BlockEntry& entry, const BlockHash& hash) {
  const auto number = block / leaf_entries, place = block % leaf_entries;
  const std::lock_guard lock(mutex_);
  auto& leaf = open_[number];
  if (!leaf) leaf = std::make_unique<Leaf>();
  encode_entry(entry, &leaf->entries[place * index_entry_bytes]);
  std::copy(hash.begin(), hash.end(), &leaf->hashes[place * hash_bytes]);
  if (--leaf->missing > 0) return;
  write_leaf(number, *leaf);
  open_.erase(number);
}

void BlockIndexWriter::write_leaf(std::uint64_t number, Leaf& leaf) {
  if (slots_.size() <= number) slots_.resize(number + 1, not_written);
  if (slots_[number] != not_written) throw Error(ErrorKind::internal, "a block was put twice");
  index_->write(index_->seal.seal(number, next_slot_, leaf.entries));
  hashes_->write(hashes_->seal.seal(number, next_slot_, leaf.hashes));
  slots_[number] = next_slot_++;
}

std::vector<std::byte> BlockIndexWriter::finish(std::uint64_t block_count) {
  const std::lock_guard lock(mutex_);
  const auto leaf_count = (block_count + leaf_entries - 1) / leaf_entries;
  slots_.resize(std::max<std::size_t>(slots_.size(), leaf_count), not_written);
  for (std::uint64_t number = 0; number < leaf_count; ++number) {
    if (slots_[number] != not_written) continue;
    auto& leaf = open_[number];
    if (!leaf) leaf = std::make_unique<Leaf>();
    write_leaf(number, *leaf);
    open_.erase(number);
  }
  if (!open_.empty() || slots_.size() != leaf_count) {
    throw Error(ErrorKind::internal, fmt::format("blocks were put past the last one, {}", block_count));
  }
  index_digest_ = index_->commit();
  hashes_digest_ = hashes_->commit();
  std::vector<std::byte> root(leaf_count * 8);
  for (std::size_t i = 0; i < leaf_count; ++i) {
    put_little_endian(&root[i * 8], std::uint32_t{0});
    put_little_endian(&root[i * 8 + 4], slots_[i]);
  }
  return root;
}

}  // namespace backup_engine::store
