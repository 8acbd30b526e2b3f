#include "backup_engine/restore/file_writer.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/is_there.hpp"
#include "backup_engine/base/parallel.hpp"
#include "backup_engine/base/pieces.hpp"

namespace backup_engine::restore {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint64_t piece_bytes = std::uint64_t{64} << 20U;    // of a big file, per turn of a thread
constexpr std::uint64_t written_bytes = std::uint64_t{1} << 20U;   // at once
constexpr std::uint64_t compared_bytes = std::uint64_t{2} << 20U;  // at once; base/uncached_io.hpp says why so many
// Of a file that may stay in the page cache: docs/adr/0008-long-files-pass-by-the-page-cache.md.
constexpr std::uint64_t most_cached_bytes = std::uint64_t{16} << 20U;
constexpr mode_t permission_bits = 07777;

struct stat status_of(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) throw base::system_error(errno, "look at", path.string());
  return status;
}

}  // namespace

void set_mode_and_owner(base::FileSystem& file_system, const fs::path& path, const store::FileEntry& wanted) {
  const auto is = status_of(path);
  // A change of owner takes some bits of the mode away.
  const bool owns = ::geteuid() == 0 && (is.st_uid != wanted.uid || is.st_gid != wanted.gid);
  if (owns) file_system.set_owner(path, wanted.uid, wanted.gid);
  if (owns || (is.st_mode & permission_bits) != wanted.mode) file_system.set_mode(path, wanted.mode);
}

// A file while its pieces are written: opened by the first, closed by the last.
struct FileWriter::FileState {
  std::mutex mutex;
  std::uint64_t pieces_left = 0;
  bool begun = false;
  base::UniqueFd old;                        // what is there already, to compare with
  std::unique_ptr<base::WritableFile> file;  // as soon as there is something to write
};

FileWriter::FileWriter(const store::BackupReader& reader, const Plan& plan, base::FileSystem& file_system,
                       base::Progress& progress, std::stop_token stop)
    : reader_(reader),
      plan_(plan),
      files_(file_system),
      progress_(progress),
      stop_(std::move(stop)),
      block_bytes_(reader.manifest().block_size_bytes),
      may_give_away_(::geteuid() == 0) {}

FileWriter::~FileWriter() = default;

void FileWriter::write_all(unsigned jobs) {
  const auto pieces = cut();
  // One more than may be at work: each waits for the disk at times.
  base::for_each_in_parallel(
      std::max(jobs, 1U) + 1, pieces.size(), [&](std::size_t item) { write_piece(pieces[item]); }, stop_);
}

std::vector<FileWriter::Piece> FileWriter::cut() const {
  std::vector<Piece> pieces;
  pieces.reserve(plan_.files.size());
  for (std::size_t i = 0; i < plan_.files.size(); ++i) {
    const auto entry = plan_.table->entry(plan_.files[i].row);
    const auto size = plan_.files[i].hollow ? 0 : entry.size_bytes;
    for (std::uint64_t number = 0; number < base::piece_count(size, piece_bytes); ++number) {
      const auto from = number * piece_bytes;
      const auto bytes = static_cast<std::uint32_t>(std::min(piece_bytes, size - from));
      pieces.push_back({from, bytes, static_cast<std::uint32_t>(i), 0, 0});
      place(pieces.back(), entry);
    }
  }
  std::ranges::sort(pieces, {}, [](const Piece& piece) {
    return std::tuple(piece.pack_row, piece.offset_bytes, piece.file, piece.from_bytes);
  });
  return pieces;
}

void FileWriter::place(Piece& piece, const store::FileEntry& entry) const {
  const auto end = (piece.from_bytes + piece.size_bytes + block_bytes_ - 1) / block_bytes_;
  for (auto block = piece.from_bytes / block_bytes_; block < end; ++block) {
    const auto at = reader_.place(entry, block);
    if (at.is_zero) continue;
    piece.pack_row = at.pack_row;
    piece.offset_bytes = at.offset_bytes;
    return;
  }
}

std::shared_ptr<FileWriter::FileState> FileWriter::state_of(const Piece& piece, const PlannedFile& planned) {
  const std::lock_guard lock(states_mutex_);
  auto& state = states_[piece.file];
  if (!state) {
    const auto size = planned.hollow ? 0 : planned.entry.size_bytes;
    state = std::make_shared<FileState>();
    state->pieces_left = base::piece_count(size, piece_bytes);
  }
  return state;
}

void FileWriter::write_piece(const Piece& piece) {
  const auto planned = plan_.file(piece.file);
  const auto held = state_of(piece, planned);
  auto& state = *held;
  {
    const std::lock_guard lock(state.mutex);
    if (!state.begun) open_old(planned, state);
    if (!state.begun) create(planned, state);
    state.begun = true;
  }
  if (state.old.valid()) {
    write_differences(planned, piece, state);
  } else {
    write_anew(planned, piece, state);
  }
  progress_.advance(piece.size_bytes);
  const std::lock_guard lock(state.mutex);
  if (--state.pieces_left != 0) return;
  if (state.file) state.file->close();
  state.file.reset();
  state.old.reset();
  const std::lock_guard states_lock(states_mutex_);
  states_.erase(piece.file);
}

void FileWriter::open_old(const PlannedFile& planned, FileState& state) {
  if (!plan_.compares || planned.hollow || !base::is_there(planned.location)) return;
  set_mode_and_owner(files_, planned.location, planned.entry);
  state.old = base::open_for_reading(planned.location);
  if (static_cast<std::uint64_t>(status_of(planned.location).st_size) != planned.entry.size_bytes) {
    state.file = files_.open(planned.location);
    state.file->resize(planned.entry.size_bytes);
  }
  state.begun = true;
}

void FileWriter::create(const PlannedFile& planned, FileState& state) {
  const auto& entry = planned.entry;
  state.file = files_.create(planned.location, 0600);
  if (entry.size_bytes > most_cached_bytes) state.file->pass_by_page_cache();
  if (may_give_away_) files_.set_owner(planned.location, entry.uid, entry.gid);
  if (entry.mode != 0600) files_.set_mode(planned.location, entry.mode);
  // The last block that is written makes the file as long as it is to be; one of zeros is not written.
  const auto blocks = reader_.block_count(entry);
  const bool ends_in_a_hole = planned.hollow || (blocks != 0 && reader_.is_zero_block(entry, blocks - 1));
  if (ends_in_a_hole) state.file->resize(entry.size_bytes);
}

base::WritableFile& FileWriter::writable(const PlannedFile& planned, FileState& state) {
  const std::lock_guard lock(state.mutex);
  if (!state.file) state.file = files_.open(planned.location);
  return *state.file;
}

// Zero blocks stay holes.
void FileWriter::write_anew(const PlannedFile& planned, const Piece& piece, FileState& state) {
  thread_local std::vector<std::byte> buffer;
  const auto& entry = planned.entry;
  auto& file = *state.file;
  const auto at_once = std::max<std::uint64_t>(written_bytes / block_bytes_, 1);
  const auto end = (piece.from_bytes + piece.size_bytes + block_bytes_ - 1) / block_bytes_;
  for (auto block = piece.from_bytes / block_bytes_; block < end;) {
    if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
    if (reader_.is_zero_block(entry, block)) {
      ++block;
      continue;
    }
    std::uint64_t count = 1;
    while (count < at_once && block + count < end && !reader_.is_zero_block(entry, block + count)) ++count;
    const auto offset = block * block_bytes_;
    buffer.resize(std::min(count * block_bytes_, entry.size_bytes - offset));
    reader_.read_blocks(entry, block, count, buffer);
    file.write_at(offset, buffer);
    block += count;
  }
}

void FileWriter::write_differences(const PlannedFile& planned, const Piece& piece, FileState& state) {
  thread_local std::vector<std::byte> old, buffer;
  const auto& entry = planned.entry;
  const auto at_once = std::max<std::uint64_t>(compared_bytes / block_bytes_, 1);
  const auto end = (piece.from_bytes + piece.size_bytes + block_bytes_ - 1) / block_bytes_;
  for (auto first = piece.from_bytes / block_bytes_; first < end; first += at_once) {
    if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
    const auto last = std::min(first + at_once, end), begin = first * block_bytes_;
    old.resize(std::min(last * block_bytes_, entry.size_bytes) - begin);
    const auto got = base::read_at(state.old.get(), old, begin, planned.location, base::PageCache::pass_by);
    if (got != old.size()) {
      throw Error(ErrorKind::io, planned.location + ": became shorter while it was restored");
    }
    const auto is_there = [&](std::uint64_t block) {
      const auto bytes = reader_.block_bytes(entry, block);
      return reader_.holds(entry, block, std::span(old).subspan(block * block_bytes_ - begin, bytes));
    };
    for (auto block = first; block < last;) {
      auto run = block;
      while (run < last && is_there(run)) ++run;
      reused_bytes_ += std::min(run * block_bytes_, entry.size_bytes) - block * block_bytes_;
      block = run;
      while (run < last && (run == block || !is_there(run))) ++run;
      if (run == block) break;
      buffer.resize(std::min(run * block_bytes_, entry.size_bytes) - block * block_bytes_);
      reader_.read_blocks(entry, block, run - block, buffer);
      writable(planned, state).write_at(block * block_bytes_, buffer);
      block = run;
    }
  }
}

}  // namespace backup_engine::restore
