#include "backup_engine/store/backup_writer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup_engine/base/digits.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/store/backup_reader.hpp"
#include "backup_engine/store/block_hash.hpp"
#include "backup_engine/store/block_index.hpp"
#include "backup_engine/store/booked_blocks.hpp"
#include "backup_engine/store/document_object.hpp"
#include "backup_engine/store/framed_object.hpp"
#include "backup_engine/store/names.hpp"

namespace backup_engine::store {

using base::Error;
using base::ErrorKind;

namespace {

void check_layout(const BackupLayout& layout) {
  const auto block = layout.block_size_bytes;
  const bool power_of_two = block != 0 && (block & (block - 1)) == 0;
  // Offsets in a pack have 32 bits and the last block may begin just below the limit.
  constexpr std::uint64_t most_pack_bytes = 4096ULL * 1024 * 1024 - 16 * 1024 * 1024;
  if (power_of_two && block >= 4096 && block <= 4 * 1024 * 1024 && layout.pack_size_bytes <= most_pack_bytes) return;
  throw Error(ErrorKind::internal,
              fmt::format("impossible layout: blocks of {} bytes in packs of {} bytes", block, layout.pack_size_bytes));
}

std::shared_ptr<const DataKey> key_of(const Storage& storage, const BackupLayout& layout) {
  if (!storage.keys()) return nullptr;
  if (!layout.key_id) return storage.keys()->newest();
  if (auto key = storage.keys()->find(*layout.key_id)) return key;
  throw Error(ErrorKind::corrupt, fmt::format("the data key {} of the chain is not among the keys of {}",
                                              base::to_hex(*layout.key_id), storage.location()))
      .with_remedy("take a full backup; what became of the objects in keys/?");
}

BackupLayout layout_of_chain(BackupLayout layout, const BackupReader* parent) {
  if (parent == nullptr) return layout;
  layout.block_size_bytes = parent->manifest().block_size_bytes;
  layout.key_id = parent->manifest().key_id;
  return layout;
}

// Of each leaf, how many of its blocks belong to a file.
std::vector<std::uint16_t> used_blocks(const BackupReader& backup) {
  const auto block_count = backup.index().block_count();
  std::vector<std::uint16_t> used((block_count + leaf_entries - 1) / leaf_entries);
  for (std::size_t i = 0; i < backup.files().size(); ++i) {
    for (const auto& extent : backup.files().entry(i).extents) {
      if (extent.first_block > block_count || extent.block_count > block_count - extent.first_block) {
        throw Error(ErrorKind::corrupt, fmt::format("{}: {} has blocks that the index has not",
                                                    backup.manifest().summary.label, backup.files().path(i)));
      }
      const auto end = extent.first_block + extent.block_count;
      for (auto block = extent.first_block; block < end;) {
        const auto leaf_end = (block / leaf_entries + 1) * leaf_entries;
        used[block / leaf_entries] += static_cast<std::uint16_t>(std::min<std::uint64_t>(end, leaf_end) - block);
        block = leaf_end;
      }
    }
  }
  return used;
}

ParentIndex index_of(const BackupReader* parent) {
  if (parent == nullptr) return {};
  return {&parent->index(), parent->manifest().index_backups, used_blocks(*parent)};
}

std::uint64_t blocks_of(std::uint64_t size_bytes, std::uint32_t block_size_bytes) {
  return (size_bytes + block_size_bytes - 1) / block_size_bytes;
}

// The same file in the parent: where it lies in which area decides, not when it was changed.
std::optional<FileEntry> same_file(const BackupReader* parent, const FileEntry& entry) {
  if (parent == nullptr) return std::nullopt;
  const auto index = parent->files().find(entry.path);
  if (!index) return std::nullopt;
  auto found = parent->files().entry(*index);
  if (found.kind != FileKind::file || found.area != entry.area) return std::nullopt;
  return found;
}

// The first `block_count` blocks of `extents`.
std::vector<BlockExtent> first_blocks(const std::vector<BlockExtent>& extents, std::uint64_t block_count) {
  std::vector<BlockExtent> taken;
  for (const auto& extent : extents) {
    if (block_count == 0) break;
    taken.push_back({extent.first_block, std::min(extent.block_count, block_count)});
    block_count -= taken.back().block_count;
  }
  return taken;
}

}  // namespace

struct BackupWriter::OpenFile {
  FileEntry entry;
  std::uint64_t block_count = 0, put_count = 0;
  std::uint64_t parent_bytes = 0;  // how long the same file is in the parent
  bool finished = false;

  [[nodiscard]] std::uint64_t block_id(std::uint64_t number) const {
    for (const auto& extent : entry.extents) {
      if (number < extent.block_count) return extent.first_block + number;
      number -= extent.block_count;
    }
    throw Error(ErrorKind::internal, fmt::format("{} has no block {}", entry.path, number));
  }
};

BackupWriter::BackupWriter(Storage& storage, std::string cluster, std::string label, BackupLayout layout)
    : BackupWriter(storage, std::move(cluster), std::move(label), layout, nullptr) {}

BackupWriter::BackupWriter(Storage& storage, std::string cluster, std::string label, BackupLayout layout,
                           std::shared_ptr<const BackupReader> parent)
    : storage_(storage),
      cluster_(std::move(cluster)),
      label_(std::move(label)),
      parent_(std::move(parent)),
      layout_(layout_of_chain(layout, parent_.get())),
      key_(key_of(storage, layout_)) {
  check_layout(layout_);
  if (!parse_backup_label(label_)) throw Error(ErrorKind::internal, fmt::format("not a backup label: {}", label_));
  if (parent_) {
    packs_ = parent_->manifest().packs;
    parent_pack_used_.resize(packs_.size());
    next_block_ = parent_->manifest().block_count;
  }
  index_ = std::make_unique<BlockIndexWriter>(storage_, cluster_, label_, layout_.block_size_bytes, key_,
                                              index_of(parent_.get()));
}

BackupWriter::~BackupWriter() {
  if (publishing_) return;
  index_.reset();  // its puts, which were not committed, lie in the backup's folder
  remove_what_was_put();
}

void BackupWriter::remove_what_was_put() noexcept {
  for (const auto& name : put_names_) {
    try {
      storage_.remove(name);
    } catch (const std::exception&) {
      // It stays as debris: no manifest names it.
    }
  }
  try {
    storage_.remove_empty_folders(backup_prefix(cluster_, label_));
  } catch (const std::exception&) {
    // Expire removes them.
  }
}

FileId BackupWriter::add_file(FileEntry entry) {
  OpenFile file;
  std::uint64_t numbered = 0;
  if (entry.kind == FileKind::file) {
    file.block_count = blocks_of(entry.size_bytes, layout_.block_size_bytes);
    if (const auto before = same_file(parent_.get(), entry)) {
      file.parent_bytes = before->size_bytes;
      numbered = std::min(file.block_count, blocks_of(before->size_bytes, layout_.block_size_bytes));
      entry.extents = first_blocks(before->extents, numbered);
    }
  } else {
    file.finished = true;
  }
  file.entry = std::move(entry);
  const std::lock_guard lock(mutex_);
  if (const auto added = file.block_count - numbered; added > 0) {
    file.entry.extents.push_back({next_block_, added});
    next_block_ += added;
  }
  files_.push_back(std::move(file));
  return static_cast<FileId>(files_.size() - 1);
}

void BackupWriter::count_blocks(FileId id, std::uint64_t number, std::size_t clear_bytes, BookedBlocks& booked) {
  const std::uint64_t block_bytes = layout_.block_size_bytes;
  const std::lock_guard lock(mutex_);
  auto& file = files_.at(static_cast<std::size_t>(id));
  const auto begin = number * block_bytes, end = begin + clear_bytes;
  const bool whole = end % block_bytes == 0 || end == file.entry.size_bytes;
  if (end > file.entry.size_bytes || !whole) {
    throw Error(ErrorKind::internal,
                fmt::format("{} bytes were given from block {} of {} on", clear_bytes, number, file.entry.path));
  }
  booked.path = file.entry.path;
  std::size_t count = 0;
  for (auto at = begin; at < end; at += block_bytes, ++count) {
    const auto bytes_here = std::min(block_bytes, file.entry.size_bytes - at);
    const bool in_parent = at < file.parent_bytes && bytes_here == std::min(block_bytes, file.parent_bytes - at);
    booked.blocks[count] = {file.block_id(number + count), in_parent, {}};
  }
  file.put_count += count;
}

bool BackupWriter::keep_block(std::uint64_t block, const BlockHash* hash) {
  const auto entry = parent_->index().entry(block);
  if (entry.is_zero != (hash == nullptr)) return false;
  if (hash != nullptr) {
    if (parent_->index().hash(block) != *hash) return false;
    const std::lock_guard lock(mutex_);
    parent_pack_used_.at(entry.pack_row) = true;
  }
  index_->keep(block);
  return true;
}

void BackupWriter::finish_file(FileId id, std::uint32_t crc32c) {
  const std::lock_guard lock(mutex_);
  auto& file = files_.at(static_cast<std::size_t>(id));
  if (file.put_count != file.block_count) {
    throw Error(ErrorKind::internal,
                fmt::format("{} of {} blocks of {} were put", file.put_count, file.block_count, file.entry.path));
  }
  file.entry.crc32c = crc32c;
  file.finished = true;
}

std::span<const std::byte> BackupWriter::hash_secret() const {
  if (!key_) return {};
  return key_->hash_secret();
}

std::unique_ptr<BlockWriter> BackupWriter::make_block_writer() {
  return std::unique_ptr<BlockWriter>(new BlockWriter(*this));
}

std::pair<std::uint32_t, std::string> BackupWriter::begin_pack() {
  const std::lock_guard lock(mutex_);
  const auto row = static_cast<std::uint32_t>(packs_.size());
  const auto number = static_cast<std::uint32_t>(packs_.size() - parent_pack_used_.size());
  packs_.push_back({label_, number, {}});
  put_names_.push_back(pack_name(cluster_, label_, number));
  return {row, put_names_.back()};
}

void BackupWriter::end_pack(std::uint32_t row, const ObjectDigest& digest) {
  const std::lock_guard lock(mutex_);
  packs_[row].digest = digest;
}

ObjectDigest BackupWriter::put_table(const std::string& name, ObjectKind kind, std::span<const std::byte> clear) {
  put_names_.push_back(name);
  return put_framed(storage_, name, kind, {Codec::zstd, 1}, clear, Durability::on_sync, key_);
}

Manifest BackupWriter::finish() {
  if (open_block_writers_ != 0) throw Error(ErrorKind::internal, "a backup was finished while blocks were being put");
  Manifest manifest;
  std::vector<FileEntry> entries;
  entries.reserve(files_.size());
  for (; !files_.empty(); files_.pop_front()) {
    auto& file = files_.front();
    if (!file.finished) throw Error(ErrorKind::internal, fmt::format("{} was never finished", file.entry.path));
    if (file.entry.kind == FileKind::file) {
      manifest.summary.source_bytes += file.entry.size_bytes;
      ++manifest.summary.file_count;
    }
    if (file.entry.area == FileArea::external) manifest.external_files.push_back(file.entry.path);
    entries.push_back(std::move(file.entry));
  }
  put_names_.push_back(block_index_name(cluster_, label_));
  put_names_.push_back(block_hashes_name(cluster_, label_));
  const auto root = index_->finish(next_block_);
  manifest.block_index = index_->index_digest();
  manifest.block_hashes = index_->hashes_digest();
  manifest.block_root = put_table(block_root_name(cluster_, label_), ObjectKind::block_root, root);
  manifest.file_table =
      put_table(file_table_name(cluster_, label_), ObjectKind::file_table, encode_file_table(entries));
  storage_.sync();
  stored_bytes_ += manifest.block_index.size_bytes + manifest.block_hashes.size_bytes + manifest.block_root.size_bytes +
                   manifest.file_table.size_bytes;
  manifest.summary.cluster = cluster_;
  manifest.summary.label = label_;
  manifest.summary.type = *parse_backup_label(label_);
  manifest.summary.stored_bytes = stored_bytes_;
  manifest.block_size_bytes = layout_.block_size_bytes;
  manifest.block_count = next_block_;
  manifest.compression = layout_.compression;
  if (key_) manifest.key_id = key_->id();
  manifest.packs = packs_;
  for (std::size_t row = 0; row < parent_pack_used_.size(); ++row) {
    if (!parent_pack_used_[row]) manifest.packs[row] = {};
  }
  manifest.index_backups = index_->index_backups();
  if (parent_) {
    manifest.summary.parent_label = parent_->manifest().summary.label;
    manifest.chain = parent_->manifest().chain;
    manifest.chain.push_back(manifest.summary.parent_label);
  }
  return manifest;
}

void BackupWriter::publish(const Manifest& manifest) {
  if (manifest.summary.cluster != cluster_ || manifest.summary.label != label_) {
    throw Error(ErrorKind::internal, "a manifest of another backup was to be published");
  }
  const auto require = [&](const std::string& name, bool there) {
    if (there) return;
    throw Error(ErrorKind::not_found, fmt::format("{} is gone or incomplete: the backup is not published", name));
  };
  for (const auto& pack : used_packs(manifest)) {
    const auto name = pack_name(cluster_, pack.backup_label, pack.number);
    require(name, storage_.size(name) == pack.digest.size_bytes);
  }
  for (const auto& owner : manifest.index_backups) {
    for (const auto& name : {block_index_name(cluster_, owner), block_hashes_name(cluster_, owner)}) {
      require(name, storage_.size(name).has_value());
    }
  }
  const auto name = manifest_name(cluster_, label_);
  const auto put = storage_.begin_put(name);
  write_document(*put, storage_, name, encode_manifest(manifest));
  publishing_ = true;
  put->commit(Durability::now);
}

}  // namespace backup_engine::store
