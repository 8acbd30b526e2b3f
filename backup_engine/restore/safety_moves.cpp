#include "backup_engine/restore/safety_moves.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/is_there.hpp"
#include "backup_engine/base/parallel.hpp"
#include "backup_engine/restore/existing_directory.hpp"

namespace backup_engine::restore {

namespace fs = std::filesystem;
using base::Error;

namespace {

constexpr const char* global_name = "global";

std::vector<fs::path> names_in(const fs::path& directory) {
  std::vector<fs::path> names;
  if (!fs::is_directory(fs::symlink_status(directory))) return names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
  return names;
}

}  // namespace

SafetyMoves::SafetyMoves(const SafetyJournal& journal, fs::path folder, base::FileSystem& file_system, unsigned jobs)
    : journal_(journal),
      folder_(std::move(folder)),
      kept_(folder_ / "data"),
      cleared_(folder_ / "undone"),
      files_(file_system),
      jobs_(jobs) {}

void SafetyMoves::set_aside() const {
  move_data_away(kept_);
  for (const auto& tablespace : journal_.tablespaces) {
    if (!tablespace.keeps) continue;
    move(tablespace.in_use(), tablespace.aside());
    files_.sync_directory(tablespace.location);
  }
}

void SafetyMoves::clear() const {
  move_data_away(cleared_);
  for (const auto& tablespace : journal_.tablespaces) {
    if (!fs::is_directory(tablespace.location)) continue;
    move(tablespace.in_use(), tablespace.undone());
    files_.sync_directory(tablespace.location);
  }
}

// The tablespaces first: once the data directory is back a server may start.
void SafetyMoves::put_back() const {
  for (const auto& tablespace : journal_.tablespaces) {
    if (!tablespace.keeps) continue;
    move(tablespace.aside(), tablespace.in_use());
    files_.sync_directory(tablespace.location);
  }
  const auto& data = journal_.data_directory;
  if (journal_.layout == SafetyCopyLayout::beside) {
    move(kept_, data);
    sync(data.parent_path(), folder_);
    return;
  }
  if (!base::is_there(kept_)) return;  // nothing was set aside yet
  move_entries(kept_, data, false);
  sync(data, kept_);
  move_entries(kept_, data, true);
  sync(data, kept_);
}

void SafetyMoves::remove_cleared() const {
  remove_tree(cleared_);
  for (const auto& tablespace : journal_.tablespaces) {
    if (!fs::is_directory(tablespace.location)) continue;
    remove_tree(tablespace.undone());
    if (tablespace.made && fs::is_empty(tablespace.location)) {
      files_.remove(tablespace.location);
      files_.sync_directory(tablespace.location.parent_path());
    } else {
      files_.sync_directory(tablespace.location);
    }
  }
}

void SafetyMoves::remove_kept() const {
  remove_tree(kept_);
  for (const auto& tablespace : journal_.tablespaces) {
    if (!tablespace.keeps || !fs::is_directory(tablespace.location)) continue;
    remove_tree(tablespace.aside());
    files_.sync_directory(tablespace.location);
  }
}

void SafetyMoves::remove_folder() const {
  remove_tree(kept_);  // empty, when its entries moved
  const auto next = folder_ / next_safety_journal_name;
  if (base::is_there(next)) files_.remove(next);
  files_.sync_directory(folder_);
  files_.remove(folder_ / safety_journal_name);
  files_.remove(folder_);
  files_.sync_directory(folder_.parent_path());
}

void SafetyMoves::move(const fs::path& from, const fs::path& to) const {
  if (base::is_there(from)) files_.rename(from, to);
}

void SafetyMoves::move_data_away(const fs::path& into) const {
  const auto& data = journal_.data_directory;
  const bool beside = journal_.layout == SafetyCopyLayout::beside;
  if (beside) {
    move(data, into);
  } else {
    if (!base::is_there(into)) make_beside_journal(into);
    files_.sync_directory(folder_);
    move_entries(data, into, true);
  }
  // One that starts from now on finds no pg_control.
  try {
    const auto holds_postmaster_pid = beside ? into : data;
    if (base::is_there(holds_postmaster_pid)) require_no_server(holds_postmaster_pid);
  } catch (const Error&) {
    if (beside) {
      move(into, data);
    } else {
      move_entries(into, data, true);
    }
    throw;
  }
  sync(beside ? folder_ : into, beside ? data.parent_path() : data);
  if (beside) return;
  move_entries(data, into, false);
  sync(into, data);
}

// Whose the folder is, his is what it holds.
void SafetyMoves::make_beside_journal(const fs::path& directory) const {
  files_.create_directory(directory, 0700);
  struct stat status {};
  if (::geteuid() != 0 || ::stat(folder_.c_str(), &status) != 0) return;
  files_.set_owner(directory, status.st_uid, status.st_gid);
}

// Without what is no part of the cluster.
void SafetyMoves::move_entries(const fs::path& from, const fs::path& to, bool global) const {
  for (const auto& name : names_in(from)) {
    if (name == safety_copy_name || (name == global_name) != global) continue;
    move(from / name, to / name);
  }
}

void SafetyMoves::remove_tree(const fs::path& top) const {
  if (!base::is_there(top)) return;
  std::vector<fs::path> directories{top}, others;
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    const bool directory = entry.symlink_status().type() == fs::file_type::directory;
    (directory ? directories : others).push_back(entry.path());
  }
  base::for_each_in_parallel(jobs_, others.size(), [&](std::size_t i) { files_.remove(others[i]); });
  // Those inside others were found later.
  for (auto directory = directories.rbegin(); directory != directories.rend(); ++directory) files_.remove(*directory);
}

// What has come is durable before what has gone.
void SafetyMoves::sync(const fs::path& to, const fs::path& from) const {
  files_.sync_directory(to);
  files_.sync_directory(from);
}

}  // namespace backup_engine::restore
