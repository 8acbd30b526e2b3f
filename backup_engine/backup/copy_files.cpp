#include "backup_engine/backup/copy_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "backup_engine/backup/file_rules.hpp"
#include "backup_engine/base/crc32c.hpp"
#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/file_time.hpp"
#include "backup_engine/base/parallel.hpp"
#include "backup_engine/base/pieces.hpp"

namespace backup_engine::backup {

namespace {

using base::Error;
using base::ErrorKind;

// So many threads read beside those that compress: what a file of one read costs is waiting for the disk.
constexpr unsigned readers_more = 6;
// One more compresses than may be at work, because each waits for the disk at times. A single one stays alone, so that
// its writes come in the same order every time.
constexpr unsigned writers_for(unsigned jobs) {
  return jobs > 1 ? jobs + 1 : 1;
}
constexpr std::size_t buffer_bytes = 2U << 20U;  // one read; base/uncached_io.hpp says why so many

// Of a file that is read as it is by then. One that is longer is hardly configuration.
constexpr std::uint64_t whole_bytes = 1U << 20U;

// WAL knows nothing of a file that is not PostgreSQL's own data: cut off or padded to the length that it had when it
// was listed, postgresql.auto.conf would keep the restored server from starting.
bool is_read_whole(const SourceFile& file) {
  return file.size_bytes <= whole_bytes && !is_of_postgres(file.path);
}

struct stat status_of(int fd, const std::string& location) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw base::system_error(errno, "look at", location);
  return status;
}

std::int64_t modified_ns(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

struct WholeFile {
  std::vector<std::byte> bytes;
  std::int64_t modified_ns = 0;
};

// Again when somebody wrote to it meanwhile; who never stops, as a log's writer, is not waited for.
WholeFile read_whole(int fd, const std::string& location) {
  constexpr unsigned most_readings = 4;
  WholeFile file;
  for (unsigned reading = 0; reading < most_readings; ++reading) {
    const auto before = status_of(fd, location);
    file.modified_ns = modified_ns(before);
    file.bytes.resize(std::min(static_cast<std::uint64_t>(before.st_size), whole_bytes));
    file.bytes.resize(base::read_at(fd, file.bytes, 0, location));
    const auto after = status_of(fd, location);
    if (after.st_size == before.st_size && modified_ns(after) == file.modified_ns) break;
  }
  return file;
}

// A file while its pieces are copied: opened by the first, finished by the last.
struct CopyState {
  CopyState(std::uint64_t size_bytes, std::uint64_t piece_bytes) : pieces(size_bytes, piece_bytes) {}
  std::mutex mutex;
  base::UniqueFd fd;
  bool opened = false, vanished = false;
  store::FileId id{};
  FileInPieces pieces;
};

// What became of a file.
struct Copied {
  bool vanished = false;
  std::uint32_t crc = 0;
};

// Small: of very many files all pieces are held at once.
struct Piece {
  std::uint32_t file = 0;
  std::uint32_t number = 0;
};

// Block writers, as many as may be at work.
class BlockWriters {
 public:
  BlockWriters(store::BackupWriter& writer, unsigned count) {
    for (unsigned i = 0; i < count; ++i) free_.push_back(writer.make_block_writer());
  }
  void finish() {
    for (auto& writer : free_) writer->finish();
  }

  // One of them, which goes back in the end; waits for it, as long as those that are out are at work.
  class Taken {
   public:
    explicit Taken(BlockWriters& from) : from_(from) {
      std::unique_lock lock(from_.mutex_);
      from_.returned_.wait(lock, [&] { return !from_.free_.empty(); });
      writer_ = std::move(from_.free_.back());
      from_.free_.pop_back();
    }
    ~Taken() {
      const std::lock_guard lock(from_.mutex_);
      from_.free_.push_back(std::move(writer_));  // there is room: it came from there
      from_.returned_.notify_one();
    }
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;
    store::BlockWriter* operator->() const { return writer_.get(); }
    store::BlockWriter& operator*() const { return *writer_; }

   private:
    BlockWriters& from_;
    std::unique_ptr<store::BlockWriter> writer_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<store::BlockWriter>> free_;
};

class Copy {
 public:
  Copy(const SourceListing& listing, store::BackupWriter& writer, const CopyOptions& options, base::Progress& progress,
       const std::stop_token& stop)
      : listing_(listing),
        files_(listing.files),
        writer_(writer),
        options_(options),
        piece_bytes_(std::max<std::uint64_t>(options.piece_bytes, buffer_bytes) / buffer_bytes * buffer_bytes),
        progress_(progress),
        stop_(stop),
        copied_(files_.size()) {
    cut_into_pieces();
  }

  CopiedFiles run() {
    BlockWriters writers(writer_, writers_for(options_.jobs));
    base::for_each_in_parallel(
        std::max(options_.jobs, 1U) + readers_more, pieces_.size(),
        [&](std::size_t item) { copy_piece(pieces_[item], writers); }, stop_);
    writers.finish();
    return result();
  }

 private:
  void cut_into_pieces() {
    std::vector<std::uint32_t> order(files_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return files_[a].size_bytes > files_[b].size_bytes; });
    pieces_.reserve(order.size());
    for (const auto file : order) {
      const auto count = base::piece_count(files_[file].size_bytes, piece_bytes_);
      for (std::uint32_t number = 0; number < count; ++number) pieces_.push_back({file, number});
    }
  }

  // Of a file whose pieces are being copied; there is none before and after, for there can be very many files.
  std::shared_ptr<CopyState> state_of(std::uint32_t file) {
    const std::lock_guard lock(states_mutex_);
    auto& state = states_[file];
    if (!state) state = std::make_shared<CopyState>(files_[file].size_bytes, piece_bytes_);
    return state;
  }
  [[nodiscard]] std::string location_of(const SourceFile& file) const {
    return listing_.data_directory + "/" + file.path;
  }

  // Holds nothing when the file has vanished.
  [[nodiscard]] base::UniqueFd open_if_there(const SourceFile& file) const {
    try {
      return base::open_for_reading(location_of(file));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;
      return {};
    }
  }

  // False when the file has vanished.
  bool open(const SourceFile& file, CopyState& state) {
    const std::lock_guard lock(state.mutex);
    if (state.opened) return !state.vanished;
    state.opened = true;
    state.fd = open_if_there(file);
    state.vanished = !state.fd.valid();
    if (state.vanished) return false;
    auto entry = file_entry(file, store::FileKind::file);
    entry.size_bytes = file.size_bytes;
    entry.modified_ns = base::to_nanoseconds(file.modified_at);
    state.id = writer_.add_file(std::move(entry));
    return true;
  }

  void copy_whole(std::uint32_t number, BlockWriters& writers) {
    const auto& file = files_[number];
    if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
    progress_.advance(file.size_bytes);
    const auto fd = open_if_there(file);
    if (!fd.valid()) {
      copied_[number].vanished = true;
      return;
    }
    const auto whole = read_whole(fd.get(), location_of(file));
    if (options_.pace != nullptr) options_.pace->take(whole.bytes.size(), stop_);
    auto entry = file_entry(file, store::FileKind::file);
    entry.modified_ns = whole.modified_ns;
    const BlockWriters::Taken blocks(writers);
    auto stored = store_bytes(writer_, *blocks, std::move(entry), whole.bytes);
    const std::lock_guard lock(states_mutex_);
    wholes_.emplace(number, std::move(stored));
  }

  void copy_piece(const Piece& piece, BlockWriters& writers) {
    const auto& file = files_[piece.file];
    if (is_read_whole(file)) return copy_whole(piece.file, writers);
    const auto held = state_of(piece.file);
    auto& state = *held;
    std::vector<SuspectPage> suspects;
    std::uint32_t crc = 0;
    if (open(file, state)) crc = copy_range(piece, file, state, writers, suspects);
    progress_.advance(state.pieces.size_bytes(piece.number));
    if (const auto whole = state.pieces.finish_piece(piece.number, crc)) finish(piece.file, state, *whole);
    if (!suspects.empty()) {
      const std::lock_guard lock(suspects_mutex_);
      suspects_.insert(suspects_.end(), suspects.begin(), suspects.end());
    }
  }

  // A short file is read before a writer is waited for; of a long one a whole piece goes into one pack, for restores to
  // read it from front to back.
  std::uint32_t copy_range(const Piece& piece, const SourceFile& file, const CopyState& state, BlockWriters& writers,
                           std::vector<SuspectPage>& suspects) {
    const auto location = location_of(file);
    const ReadAt read = [&](std::span<std::byte> buffer, std::uint64_t offset) {
      return base::read_at(state.fd.get(), buffer, offset, location, base::PageCache::pass_by);
    };
    const auto size = state.pieces.size_bytes(piece.number);
    const std::uint64_t at_once = std::max<std::size_t>(buffer_bytes, writer_.block_size_bytes());
    std::optional<BlockWriters::Taken> blocks;
    if (size > at_once) blocks.emplace(writers);
    std::vector<std::byte> buffer(std::min(at_once, size));
    std::uint32_t crc = 0;
    const auto begin = state.pieces.offset_bytes(piece.number);
    for (auto at = begin; at < begin + size;) {
      if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
      const auto bytes = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), begin + size - at));
      if (options_.pace != nullptr) options_.pace->take(bytes.size(), stop_);
      read_block(read, bytes, at, options_.verify_pages ? file.first_block : std::nullopt, file.path, suspects);
      if (!blocks) blocks.emplace(writers);
      crc = base::crc32c_combine(crc, (*blocks)->put(state.id, at / writer_.block_size_bytes(), bytes), bytes.size());
      at += bytes.size();
    }
    return crc;
  }

  void finish(std::uint32_t file, CopyState& state, std::uint32_t crc) {
    state.fd.reset();
    copied_[file] = {state.vanished, crc};
    if (!state.vanished) writer_.finish_file(state.id, crc);
    const std::lock_guard lock(states_mutex_);
    states_.erase(file);
  }

  CopiedFiles result() {
    CopiedFiles copied;
    copied.files.reserve(files_.size());
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (copied_[i].vanished) continue;
      if (const auto whole = wholes_.find(static_cast<std::uint32_t>(i)); whole != wholes_.end()) {
        copied.files.push_back(std::move(whole->second));
        continue;
      }
      copied.files.push_back({files_[i].path, files_[i].size_bytes, files_[i].modified_at, copied_[i].crc});
    }
    copied.suspects = std::move(suspects_);
    return copied;
  }

  const SourceListing& listing_;
  const std::vector<SourceFile>& files_;
  store::BackupWriter& writer_;
  const CopyOptions options_;
  const std::uint64_t piece_bytes_;
  base::Progress& progress_;
  const std::stop_token stop_;
  std::mutex states_mutex_;
  std::unordered_map<std::uint32_t, std::shared_ptr<CopyState>> states_;
  std::unordered_map<std::uint32_t, postgres::ManifestFile> wholes_;
  std::vector<Copied> copied_;
  std::vector<Piece> pieces_;
  std::mutex suspects_mutex_;
  std::vector<SuspectPage> suspects_;
};

}  // namespace

CopiedFiles copy_files(const SourceListing& listing, store::BackupWriter& writer, const CopyOptions& options,
                       base::Progress& progress, const std::stop_token& stop) {
  return Copy(listing, writer, options, progress, stop).run();
}

}  // namespace backup_engine::backup
