// Writes a backup's files, big ones in pieces by several threads: anew, or over what is there, block by block where its
// hash is not the backup's. Pieces go in the order in which their blocks lie in the packs, so that those are read from
// front to end.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <unordered_map>
#include <vector>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/file_system.hpp"
#include "backup_engine/base/progress.hpp"
#include "backup_engine/restore/plan.hpp"

namespace backup_engine::restore {

// Gives `path` what it is to have, as far as it does not have it yet. Owners only when the caller is root.
void set_mode_and_owner(base::FileSystem& file_system, const std::filesystem::path& path,
                        const store::FileEntry& wanted);

class FileWriter {
 public:
  // All outlive this. Directories are there, and of old files those alone that may be compared.
  FileWriter(const store::BackupReader& reader, const Plan& plan, base::FileSystem& file_system,
             base::Progress& progress, std::stop_token stop);
  ~FileWriter();

  // Nothing is synced. Throws Error, corrupt (object named) and interrupted among others.
  void write_all(unsigned jobs);
  [[nodiscard]] std::uint64_t reused_bytes() const { return reused_bytes_; }

 private:
  struct FileState;
  // Small: of a backup of very many files all are held at once.
  struct Piece {
    std::uint64_t from_bytes = 0;
    std::uint32_t size_bytes = 0;
    std::uint32_t file = 0;                        // index in the plan
    std::uint32_t pack_row = 0, offset_bytes = 0;  // of its first block that is stored
  };
  [[nodiscard]] std::vector<Piece> cut() const;
  void place(Piece& piece, const store::FileEntry& entry) const;
  [[nodiscard]] std::shared_ptr<FileState> state_of(const Piece& piece, const PlannedFile& planned);
  void write_piece(const Piece& piece);
  void open_old(const PlannedFile& planned, FileState& state);
  void create(const PlannedFile& planned, FileState& state);
  base::WritableFile& writable(const PlannedFile& planned, FileState& state);
  void write_anew(const PlannedFile& planned, const Piece& piece, FileState& state);
  void write_differences(const PlannedFile& planned, const Piece& piece, FileState& state);

  const store::BackupReader& reader_;
  const Plan& plan_;
  base::FileSystem& files_;
  base::Progress& progress_;
  const std::stop_token stop_;
  const std::uint64_t block_bytes_;
  const bool may_give_away_;  // as root only
  std::mutex states_mutex_;
  std::unordered_map<std::uint32_t, std::shared_ptr<FileState>> states_;  // of files that were begun and not ended
  std::atomic<std::uint64_t> reused_bytes_ = 0;
};

}  // namespace backup_engine::restore
