// The renames of a safety copy and of its roll-back. Each can be done again after it was cut off: what has moved
// already is not looked for. A data directory that is a mount point is moved entry by entry, `global` first when it
// goes and last when it comes back, so that no server starts in half of one. Everything goes through the file-system
// seam.
#pragma once

#include <filesystem>

#include "backup_engine/base/file_system.hpp"
#include "backup_engine/restore/safety_journal.hpp"

namespace backup_engine::restore {

class SafetyMoves {
 public:
  // All outlive this. jobs: threads that remove files.
  SafetyMoves(const SafetyJournal& journal, std::filesystem::path folder, base::FileSystem& file_system, unsigned jobs);

  // All throw Error and are durable when they return. The first two look, once the first name is gone, whether a server
  // has started meanwhile: usage, and everything else is where it was.
  void set_aside() const;  // the old cluster: into the safety copy
  void clear() const;      // what the restore put in its place: out of the way
  void put_back() const;   // the old cluster: to where it was
  void remove_cleared() const;
  void remove_kept() const;
  // The journal first, so that what is left of a folder is none.
  void remove_folder() const;

 private:
  void move(const std::filesystem::path& from, const std::filesystem::path& to) const;
  void move_data_away(const std::filesystem::path& into) const;
  void make_beside_journal(const std::filesystem::path& directory) const;
  void move_entries(const std::filesystem::path& from, const std::filesystem::path& to, bool global) const;
  void remove_tree(const std::filesystem::path& top) const;
  void sync(const std::filesystem::path& to, const std::filesystem::path& from) const;

  const SafetyJournal& journal_;
  const std::filesystem::path folder_, kept_, cleared_;
  base::FileSystem& files_;
  const unsigned jobs_;
};

}  // namespace backup_engine::restore
