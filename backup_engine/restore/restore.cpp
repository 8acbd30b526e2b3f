#include "backup_engine/restore.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/parallel.hpp"
#include "backup_engine/restore/choose_recovery.hpp"
#include "backup_engine/restore/plan.hpp"
#include "backup_engine/restore/restore_directory.hpp"
#include "backup_engine/restore/restored_texts.hpp"
#include "backup_engine/restore/target_value.hpp"
#include "backup_engine/store/repository_store.hpp"

namespace backup_engine {

namespace restore {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint64_t piece_bytes = std::uint64_t{64} << 20U;  // of a big file, per turn of a thread
constexpr std::uint64_t read_bytes = std::uint64_t{1} << 20U;    // at once
constexpr mode_t directory_mode = 0700;
constexpr const char* control_while_restoring = "pg_control.lifeboat-restoring";

// A file while its pieces are written: created by the first, closed by the last.
struct WriteState {
  std::mutex mutex;
  std::unique_ptr<base::WritableFile> file;
  std::size_t pieces_left = 0;
};

struct Piece {
  std::size_t file = 0;
  std::uint64_t from_bytes = 0, size_bytes = 0;
};

class Restore {
 public:
  Restore(const store::BackupReader& reader, const Plan& plan, base::FileSystem& file_system, base::Progress& progress,
          const std::stop_token& stop)
      : reader_(reader), plan_(plan), files_(file_system), progress_(progress), stop_(stop) {}

  void make_directories() {
    make_top(plan_.to, plan_.uid, plan_.gid);
    for (const auto& directory : plan_.directories) {
      if (!in_tablespace(directory)) make(directory);
    }
    for (const auto& tablespace : plan_.tablespaces) {
      make_top(tablespace.location, tablespace.entry.uid, tablespace.entry.gid);
      files_.create_symlink(tablespace.location, plan_.to / tablespace.link);
      own(plan_.to / tablespace.link, tablespace.entry.uid, tablespace.entry.gid);
    }
    // A tablespace's own directories come after their top.
    for (const auto& directory : plan_.directories) {
      if (in_tablespace(directory)) make(directory);
    }
  }

  void write_files(unsigned jobs) {
    std::vector<Piece> pieces;
    std::vector<WriteState> states(plan_.files.size());
    for (std::size_t i = 0; i < plan_.files.size(); ++i) {
      const auto size = plan_.files[i].hollow ? 0 : plan_.files[i].entry.size_bytes;
      std::uint64_t from = 0;
      do {  // an empty or hollow file is one empty piece
        const auto length = std::min(piece_bytes, size - from);
        pieces.push_back({i, from, length});
        ++states[i].pieces_left;
        from += length;
      } while (from < size);
    }
    base::for_each_in_parallel(
        jobs, pieces.size(), [&](std::size_t item) { write_piece(pieces[item], states[pieces[item].file]); }, stop_);
  }

  void write_texts() {
    for (const auto& text : plan_.texts)
      write_bytes(plan_.to / text.path, text.mode, std::as_bytes(std::span(text.text)));
    const auto bytes = read_whole(reader_, plan_.control.entry);
    write_bytes(plan_.control.location.parent_path() / control_while_restoring, plan_.control.entry.mode, bytes);
  }

  // From here on PostgreSQL can start: everything else is durable already.
  void put_control_in_place() {
    files_.sync_all(plan_.to);
    for (const auto& tablespace : plan_.tablespaces) files_.sync_all(tablespace.location);
    files_.sync_directory(plan_.to.parent_path());
    const auto global = plan_.control.location.parent_path();
    files_.rename(global / control_while_restoring, plan_.control.location);
    files_.sync_directory(global);
  }

 private:
  // The data directory or a tablespace: absent, or there and empty.
  void make_top(const fs::path& path, uid_t user, gid_t group) {
    if (!fs::exists(path)) files_.create_directory(path, directory_mode);
    files_.set_mode(path, directory_mode);
    own(path, user, group);
  }

  [[nodiscard]] bool in_tablespace(const PlannedFile& file) const {
    return std::any_of(plan_.tablespaces.begin(), plan_.tablespaces.end(), [&](const PlannedTablespace& tablespace) {
      return file.entry.path.starts_with(tablespace.link + "/");
    });
  }

  void make(const PlannedFile& directory) {
    files_.create_directory(directory.location, directory_mode);
    files_.set_mode(directory.location, directory.entry.mode);
    own(directory.location, directory.entry.uid, directory.entry.gid);
  }

  void own(const fs::path& path, uid_t user, gid_t group) {
    if (::geteuid() == 0) files_.set_owner(path, user, group);
  }

  [[nodiscard]] std::unique_ptr<base::WritableFile> create(const PlannedFile& planned) {
    auto file = files_.create(planned.location, 0600);
    files_.set_mode(planned.location, planned.entry.mode);
    own(planned.location, planned.entry.uid, planned.entry.gid);
    file->resize(planned.entry.size_bytes);
    return file;
  }

  void write_piece(const Piece& piece, WriteState& state) {
    const auto& planned = plan_.files[piece.file];
    base::WritableFile* file = nullptr;
    {
      const std::lock_guard lock(state.mutex);
      if (!state.file) state.file = create(planned);
      file = state.file.get();
    }
    write_range(planned.entry, piece, *file);
    progress_.advance(piece.size_bytes);
    const std::lock_guard lock(state.mutex);
    if (--state.pieces_left == 0) {
      state.file->close();
      state.file.reset();
    }
  }

  // Zero blocks stay holes.
  void write_range(const store::FileEntry& entry, const Piece& piece, base::WritableFile& file) {
    const std::uint64_t block_bytes = reader_.manifest().block_size_bytes;
    const auto at_once = std::max<std::uint64_t>(read_bytes / block_bytes, 1);
    const auto end = (piece.from_bytes + piece.size_bytes + block_bytes - 1) / block_bytes;
    std::vector<std::byte> buffer;
    for (auto block = piece.from_bytes / block_bytes; block < end;) {
      if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
      if (reader_.is_zero_block(entry, block)) {
        ++block;
        continue;
      }
      std::uint64_t count = 1;
      while (count < at_once && block + count < end && !reader_.is_zero_block(entry, block + count)) ++count;
      const auto offset = block * block_bytes;
      buffer.resize(std::min(count * block_bytes, entry.size_bytes - offset));
      reader_.read_blocks(entry, block, count, buffer);
      file.write_at(offset, buffer);
      block += count;
    }
  }

  void write_bytes(const fs::path& path, std::uint32_t mode, std::span<const std::byte> bytes) {
    auto file = files_.create(path, 0600);
    files_.set_mode(path, mode);
    own(path, plan_.uid, plan_.gid);
    file->write_at(0, bytes);
    file->close();
  }

  const store::BackupReader& reader_;
  const Plan& plan_;
  base::FileSystem& files_;
  base::Progress& progress_;
  const std::stop_token stop_;
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::string hollow_note(const Plan& plan) {
  return fmt::format(
      "not restored, and not usable: {}. Their files hold zeros: drop each once recovery has ended (DROP DATABASE). No "
      "backup_manifest was put in place, and ignore_invalid_pages is on: take it out of postgresql.auto.conf "
      "afterwards",
      fmt::join(plan.hollow_databases, ", "));
}

void require_executable(const fs::path& lifeboat) {
  if (lifeboat.is_absolute()) return;
  throw Error(ErrorKind::usage,
              fmt::format("the program that restore_command calls must be an absolute path: {}", lifeboat.string()));
}

}  // namespace

RestoreResult restore_backup(const RestoreRequest& asked, base::FileSystem& file_system, base::Progress& progress,
                             const std::stop_token& stop) {
  const auto begin = std::chrono::steady_clock::now();
  auto request = asked;
  request.target = spelled_for_postgres(asked.target);
  require_executable(request.lifeboat);
  const auto storage = store::open_repository(request.repository);
  RestoreResult result;
  auto recovery = choose_recovery(*storage, request);
  result.backup_label = std::move(recovery.backup_label);
  result.notes = std::move(recovery.notes);
  const store::BackupReader reader(*storage, request.cluster, result.backup_label);
  const auto plan = make_plan(reader, request);
  result.fetch_seconds = seconds_since(begin);

  progress.begin("restore", plan.total_bytes);
  Restore restore(reader, plan, file_system, progress, stop);
  restore.make_directories();
  restore.write_files(request.jobs);
  restore.write_texts();
  restore.put_control_in_place();
  progress.end();
  if (!plan.hollow_databases.empty()) result.notes.push_back(hollow_note(plan));
  result.restored_bytes = plan.total_bytes;
  result.file_count = plan.files.size() + plan.texts.size() + 1;
  result.restore_seconds = seconds_since(begin) - result.fetch_seconds;
  return result;
}

}  // namespace restore

RestoreResult restore_backup(const RestoreRequest& request, base::Progress& progress, const std::stop_token& stop) {
  return restore::restore_backup(request, base::posix_file_system(), progress, stop);
}

}  // namespace backup_engine
