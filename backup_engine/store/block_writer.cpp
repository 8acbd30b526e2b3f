#include <algorithm>

#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/store/backup_writer.hpp"
#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/booked_blocks.hpp"

namespace backup_engine::store {

// What a BlockWriter keeps between blocks; the pack is begun with the first block that is stored.
struct BlockWriter::State {
  explicit State(Compression compression) : sealer(compression) {}
  void write(std::span<const std::byte> bytes) {
    hash->update(bytes);
    put->write(bytes);
  }

  BlockSealer sealer;
  std::unique_ptr<PutStream> put;
  std::unique_ptr<StreamHash> hash;
  PackSeal pack;
  std::uint32_t row = 0;
  BookedBlocks window;
};

BlockWriter::BlockWriter(BackupWriter& owner)
    : owner_(owner), state_(std::make_unique<State>(owner.layout_.compression)) {
  ++owner_.open_block_writers_;
}

BlockWriter::~BlockWriter() = default;

std::uint32_t BlockWriter::put(FileId file, std::uint64_t number, std::span<const std::byte> clear) {
  const std::size_t block_bytes = owner_.layout_.block_size_bytes, window_blocks = blocks_a_bundle(block_bytes);
  std::uint32_t crc = 0;
  while (!clear.empty()) {
    const auto blocks = window_blocks - number % window_blocks;
    const auto part = clear.first(std::min(clear.size(), blocks * block_bytes));
    crc = base::crc32c(part, crc);
    put_window(file, number, part);
    number += blocks;
    clear = clear.subspan(part.size());
  }
  return crc;
}

// Blocks between those that are zeros, or that the parent has, are stored together.
void BlockWriter::put_window(FileId file, std::uint64_t number, std::span<const std::byte> clear) {
  const std::size_t block_bytes = owner_.layout_.block_size_bytes;
  auto& window = state_->window;
  owner_.count_blocks(file, number, clear.size(), window);
  std::size_t begin = 0, at = 0;  // of the blocks to be stored next; of the block that is looked at
  const auto store_up_to = [&](std::size_t end) {
    if (begin < end) store(number, begin / block_bytes, clear.subspan(begin, end - begin));
  };
  for (; at < clear.size(); at += block_bytes) {
    const auto bytes = clear.subspan(at, std::min(block_bytes, clear.size() - at));
    auto& block = window.blocks[at / block_bytes];
    const bool is_zero = all_zero(bytes);
    if (!is_zero) block.hash = hash_block(bytes, owner_.hash_secret());
    const bool kept = block.in_parent && owner_.keep_block(block.id, is_zero ? nullptr : &block.hash);
    if (is_zero && !kept) owner_.index_->set(block.id, BlockEntry{}, BlockHash{});
    if (!is_zero && !kept) continue;
    store_up_to(at);
    begin = at + bytes.size();
  }
  store_up_to(clear.size());
}

// As one bundle: the blocks of the window from its block `from` on.
void BlockWriter::store(std::uint64_t number, std::size_t from, std::span<const std::byte> clear) {
  const std::size_t block_bytes = owner_.layout_.block_size_bytes;
  if (!state_->put) begin_pack();
  BlockEntry entry;
  entry.is_zero = false;
  entry.pack_row = state_->row;
  entry.offset_bytes = static_cast<std::uint32_t>(state_->put->size_bytes());
  const BlockIdentity first{state_->window.path, number + from};
  const auto sealed = state_->sealer.seal(state_->pack, entry.offset_bytes, first, clear);
  entry.stored_bytes = static_cast<std::uint32_t>(sealed.stored.size());
  entry.codec = sealed.codec;
  state_->write(sealed.stored);
  state_->write(sealed.trailer);
  owner_.stored_bytes_ += sealed.stored.size() + sealed.trailer.size();
  for (std::size_t at = 0; at < clear.size(); at += block_bytes, ++entry.place) {
    const auto& block = state_->window.blocks[from + entry.place];
    owner_.index_->set(block.id, entry, block.hash);
  }
  if (state_->put->size_bytes() >= owner_.layout_.pack_size_bytes) end_pack();
}

void BlockWriter::begin_pack() {
  const auto [row, name] = owner_.begin_pack();
  state_->row = row;
  state_->put = owner_.storage_.begin_put(name);
  state_->hash = std::make_unique<StreamHash>();
  state_->pack = PackSeal(name, owner_.layout_.compression, owner_.layout_.block_size_bytes, owner_.key_);
  state_->write(state_->pack.header_bytes());
  owner_.stored_bytes_ += object_header_bytes;
}

void BlockWriter::end_pack() {
  const ObjectDigest digest{state_->put->size_bytes(), state_->hash->hex()};
  state_->put->commit(Durability::on_sync);
  state_->put.reset();
  owner_.end_pack(state_->row, digest);
}

void BlockWriter::finish() {
  if (state_->put) end_pack();
  --owner_.open_block_writers_;
}

}  // namespace backup_engine::store
