#include "backup_engine/backup/block_pipeline.hpp"

#include <algorithm>
#include <utility>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file_time.hpp"

namespace backup_engine::backup {

using base::Error;
using base::ErrorKind;

struct BlockPipeline::File {
  File(store::FileEntry its_entry, std::optional<std::uint32_t> its_first_block)
      : entry(std::move(its_entry)), first_block(its_first_block), pieces(entry.size_bytes, piece_bytes) {}
  store::FileEntry entry;
  std::optional<std::uint32_t> first_block;
  store::FileId id{};
  FileInPieces pieces;
};

BlockPipeline::BlockPipeline(store::BackupWriter& writer, unsigned jobs) : writer_(writer) {
  const auto threads = std::max(jobs, 1U);
  buffers_.resize(std::size_t{3} * threads);
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

BlockPipeline::~BlockPipeline() {
  {
    const std::lock_guard lock(mutex_);
    pieces_.clear();
    complete_ = true;
  }
  work_there_.notify_all();
}

void BlockPipeline::begin_file(store::FileEntry entry, std::optional<std::uint32_t> first_block) {
  file_ = std::make_shared<File>(std::move(entry), first_block);
  file_->id = writer_.add_file(file_->entry);
  open_piece_ = {file_, 0, free_buffer()};
}

void BlockPipeline::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (open_piece_.bytes.size() == piece_bytes) {
      const auto next = open_piece_.number + 1;
      send();
      open_piece_ = {file_, next, free_buffer()};
    }
    const auto taken = bytes.first(std::min(bytes.size(), piece_bytes - open_piece_.bytes.size()));
    open_piece_.bytes.insert(open_piece_.bytes.end(), taken.begin(), taken.end());
    bytes = bytes.subspan(taken.size());
  }
}

void BlockPipeline::end_file() {
  send();
  file_.reset();
}

CopiedFiles BlockPipeline::finish() {
  {
    const std::lock_guard lock(mutex_);
    complete_ = true;
  }
  work_there_.notify_all();
  threads_.clear();  // joins
  if (error_) std::rethrow_exception(error_);
  std::sort(stored_.files.begin(), stored_.files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return std::move(stored_);
}

std::vector<std::byte> BlockPipeline::free_buffer() {
  std::unique_lock lock(mutex_);
  buffer_there_.wait(lock, [this] { return error_ || !buffers_.empty(); });
  if (error_) std::rethrow_exception(error_);
  auto buffer = std::move(buffers_.back());
  buffers_.pop_back();
  buffer.clear();
  return buffer;
}

void BlockPipeline::send() {
  {
    const std::lock_guard lock(mutex_);
    pieces_.push_back(std::exchange(open_piece_, {}));
  }
  work_there_.notify_one();
}

bool BlockPipeline::take(Piece& piece) {
  std::unique_lock lock(mutex_);
  work_there_.wait(lock, [this] { return complete_ || error_ || !pieces_.empty(); });
  if (error_ || pieces_.empty()) return false;
  piece = std::move(pieces_.front());
  pieces_.pop_front();
  return true;
}

void BlockPipeline::work() {
  try {
    const auto blocks = writer_.make_block_writer();
    for (Piece piece; take(piece);) {
      store(piece, *blocks);
      const std::lock_guard lock(mutex_);
      buffers_.push_back(std::move(piece.bytes));
      buffer_there_.notify_one();
    }
    blocks->finish();
  } catch (...) {
    give_up(std::current_exception());
  }
}

void BlockPipeline::store(const Piece& piece, store::BlockWriter& blocks) {
  const auto& file = *piece.file;
  if (piece.bytes.size() != file.pieces.size_bytes(piece.number)) {
    throw Error(ErrorKind::internal, "a file that arrived has another size than was said: " + file.entry.path);
  }
  const auto offset_bytes = file.pieces.offset_bytes(piece.number);
  std::vector<SuspectPage> suspects;
  if (file.first_block) inspect_pages(piece.bytes, offset_bytes, *file.first_block, file.entry.path, suspects);
  const auto crc = piece.file->pieces.finish_piece(
      piece.number, blocks.put(file.id, offset_bytes / writer_.block_size_bytes(), piece.bytes));
  if (crc) writer_.finish_file(file.id, *crc);
  if (!crc && suspects.empty()) return;
  const std::lock_guard lock(mutex_);
  stored_.suspects.insert(stored_.suspects.end(), suspects.begin(), suspects.end());
  if (crc) {
    stored_.files.push_back(
        {file.entry.path, file.entry.size_bytes, base::from_nanoseconds(file.entry.modified_ns), *crc});
  }
}

void BlockPipeline::give_up(const std::exception_ptr& error) {
  {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
  }
  buffer_there_.notify_all();
  work_there_.notify_all();
}

}  // namespace backup_engine::backup
