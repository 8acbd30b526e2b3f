// Stores files that arrive one after the other: whoever reads them hands their bytes over and goes on reading, while
// other threads verify, hash, compress and write. Memory is bounded: when every buffer is under way the reader waits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "backup_engine/backup/put_file.hpp"
#include "backup_engine/store/backup_writer.hpp"

namespace backup_engine::backup {

class BlockPipeline {
 public:
  static constexpr std::size_t piece_bytes = 1U << 20U;  // of a file; a buffer's size

  // `jobs` threads (at least one) and three buffers for each. `writer` outlives this.
  BlockPipeline(store::BackupWriter& writer, unsigned jobs);
  ~BlockPipeline();  // unless finished: throws away what is under way and waits for the threads
  BlockPipeline(const BlockPipeline&) = delete;
  BlockPipeline& operator=(const BlockPipeline&) = delete;

  // A file of entry.size_bytes begins; one at a time. first_block: the absolute number of its first page, when its
  // pages carry checksums. These throw what a thread failed with.
  void begin_file(store::FileEntry entry, std::optional<std::uint32_t> first_block);
  void append(std::span<const std::byte> bytes);
  void end_file();

  // Waits until all is stored. What was stored, in order of path.
  [[nodiscard]] CopiedFiles finish();

 private:
  struct File;
  struct Piece {
    std::shared_ptr<File> file;
    std::size_t number = 0;
    std::vector<std::byte> bytes;
  };

  void work();
  [[nodiscard]] bool take(Piece& piece);  // false when there will be no more
  void store(const Piece& piece, store::BlockWriter& blocks);
  void send();  // hands the open piece over
  [[nodiscard]] std::vector<std::byte> free_buffer();
  void give_up(const std::exception_ptr& error);

  store::BackupWriter& writer_;
  std::shared_ptr<File> file_;
  Piece open_piece_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable work_there_, buffer_there_;
  std::deque<Piece> pieces_;
  std::vector<std::vector<std::byte>> buffers_;
  bool complete_ = false;
  std::exception_ptr error_;
  CopiedFiles stored_;
  std::vector<std::jthread> threads_;
};

}  // namespace backup_engine::backup
