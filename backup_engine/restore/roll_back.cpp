#include "backup_engine/restore/roll_back.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <optional>

#include "backup_engine/base/error.hpp"
#include "backup_engine/base/file.hpp"
#include "backup_engine/base/is_there.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/restore/existing_directory.hpp"
#include "backup_engine/restore/plan.hpp"
#include "backup_engine/restore/safety_moves.hpp"

namespace backup_engine {

namespace restore {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

// The removals wait for the file system, not for a processor.
constexpr unsigned removals_at_a_time = 16;

fs::path required_folder(const fs::path& to) {
  if (auto folder = find_safety_folder(to)) return *folder;
  throw Error(ErrorKind::not_found, fmt::format("{} has no safety copy", to.string()))
      .with_remedy(
          "One is there from `lifeboat restore --in-place` on until it is rolled back or dropped; look whether "
          "--to names the data directory.");
}

std::optional<postgres::ControlFile> control_in(const fs::path& file) {
  try {
    const auto text = base::read_file(file);
    return postgres::parse_control_file(std::as_bytes(std::span(text)));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::unsupported) throw;
    return std::nullopt;
  }
}

// But for the safety copy's own folder.
bool holds_nothing(const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename() != safety_copy_name) return false;
  }
  return true;
}

// What lies in the old cluster's place is going to be removed: a restore of this cluster, or nothing.
void require_restored(const fs::path& to, const SafetyJournal& journal, const fs::path& folder) {
  if (!base::is_there(to) || (fs::is_directory(fs::symlink_status(to)) && holds_nothing(to))) return;
  for (const auto* const name : {control_name, mark_name}) {
    const auto file = to / "global" / name;
    if (!base::is_there(file)) continue;
    const auto control = control_in(file);
    if (control && control->system_identifier == journal.system_identifier) return;
    if (!control && name == mark_name && holds_nothing_but_a_mark(to)) return;
    const auto found = control ? fmt::format("its system identifier is {}", control->system_identifier)
                               : fmt::format("its global/{} cannot be read", name);
    throw Error(ErrorKind::mismatch,
                fmt::format("what lies in {} is not what was restored there: {}, that of the safety copy is {}; "
                            "nothing was touched",
                            to.string(), found, journal.system_identifier))
        .with_remedy(fmt::format("Move {} away, and roll back again.", to.string()));
  }
  if (holds_nothing_but_a_mark(to)) return;
  throw Error(ErrorKind::already_exists,
              fmt::format("{} holds files that no restore has put there; nothing was touched", to.string()))
      .with_remedy(fmt::format("Move them away, and roll back again: the old cluster is in {}.", folder.string()));
}

}  // namespace

// While the cluster is set aside a link at its place leads to nothing, and must be followed all the same.
fs::path resolved(const fs::path& to) {
  constexpr int most_links = 40;  // as Linux follows
  std::error_code error;
  auto path = normal_absolute(to);
  for (int links = 0; links < most_links; ++links) {
    const auto canonical = fs::weakly_canonical(path, error);
    if (!canonical.empty()) path = normal_absolute(canonical);
    const auto target = fs::read_symlink(path, error);
    if (error) break;
    path = normal_absolute(path.parent_path() / target);
  }
  return path;
}

void put_old_cluster_back(SafetyJournal journal, const fs::path& folder, base::FileSystem& file_system, unsigned jobs) {
  const SafetyMoves moves(journal, folder, file_system, jobs);
  const auto advance = [&](SafetyCopyState state) {
    journal.state = state;
    write_safety_journal(journal, folder, file_system);
  };
  if (journal.state == SafetyCopyState::set_aside) advance(SafetyCopyState::clearing);
  if (journal.state == SafetyCopyState::clearing) {
    moves.clear();
    advance(SafetyCopyState::returning);
  }
  if (journal.state == SafetyCopyState::setting_aside) advance(SafetyCopyState::returning);
  if (journal.state == SafetyCopyState::returning) {
    moves.put_back();
    advance(SafetyCopyState::returned);
  }
  moves.remove_cleared();
  moves.remove_folder();
}

void roll_back(const fs::path& to, base::FileSystem& file_system, unsigned jobs) {
  const auto folder = required_folder(to);
  const DirectoryLock lock(folder);
  const auto journal = read_safety_journal(folder, to);
  if (journal.state == SafetyCopyState::dropping) {
    throw Error(ErrorKind::usage,
                fmt::format("the safety copy {} is being removed, and no longer whole", folder.string()))
        .with_remedy(fmt::format("Remove the rest: lifeboat safety-copy drop --to {}", to.string()));
  }
  if (journal.state != SafetyCopyState::returned && base::is_there(to)) require_no_server(to);
  if (journal.state == SafetyCopyState::set_aside) require_restored(to, journal, folder);
  put_old_cluster_back(journal, folder, file_system, jobs);
}

void drop(const fs::path& to, base::FileSystem& file_system, unsigned jobs) {
  const auto folder = required_folder(to);
  const DirectoryLock lock(folder);
  auto journal = read_safety_journal(folder, to);
  const SafetyMoves moves(journal, folder, file_system, jobs);
  if (journal.state == SafetyCopyState::set_aside) {
    if (!base::is_there(to / "global" / control_name)) {
      throw Error(ErrorKind::usage,
                  fmt::format("the restore into {} has not ended, and {} holds the only cluster there "
                              "is; nothing was touched",
                              to.string(), folder.string()))
          .with_remedy(fmt::format("Let the same `lifeboat restore --in-place` go on, or put the old cluster back: "
                                   "lifeboat safety-copy roll-back --to {}",
                                   to.string()));
    }
    journal.state = SafetyCopyState::dropping;
    write_safety_journal(journal, folder, file_system);
  }
  if (journal.state == SafetyCopyState::dropping) {
    moves.remove_kept();
  } else if (journal.state == SafetyCopyState::returned) {
    moves.remove_cleared();
  } else {
    throw Error(ErrorKind::usage, fmt::format("{} is between two places ({}); nothing was touched", folder.string(),
                                              to_string(journal.state)))
        .with_remedy(fmt::format("End it first: lifeboat safety-copy roll-back --to {}", to.string()));
  }
  moves.remove_folder();
}

}  // namespace restore

namespace fs = std::filesystem;

SafetyCopy find_safety_copy(const fs::path& data_directory) {
  const auto to = restore::resolved(data_directory);
  const auto folder = restore::required_folder(to);
  const auto journal = restore::read_safety_journal(folder, to);
  SafetyCopy copy{folder,
                  journal.data_directory,
                  journal.state,
                  journal.taken_at,
                  journal.cluster,
                  journal.repository,
                  journal.backup_label,
                  journal.system_identifier,
                  journal.timeline,
                  {},
                  InItsPlace::nothing};
  for (const auto& tablespace : journal.tablespaces) {
    if (tablespace.keeps) copy.tablespaces.push_back(tablespace.aside());
  }
  if (base::is_there(to / "global" / restore::control_name)) {
    copy.in_its_place = InItsPlace::cluster;
  } else if (base::is_there(to / "global" / restore::mark_name)) {
    copy.in_its_place = InItsPlace::unfinished_restore;
  }
  return copy;
}

std::uint64_t size_bytes(const SafetyCopy& copy) {
  constexpr std::uint64_t unit_bytes = 512;  // of st_blocks, whatever the file system's blocks are
  std::uint64_t bytes = 0;
  auto tops = copy.tablespaces;
  tops.push_back(copy.folder);
  for (const auto& top : tops) {
    std::error_code error;
    for (fs::recursive_directory_iterator entry(top, error), end; !error && entry != end; entry.increment(error)) {
      struct stat status {};
      if (::lstat(entry->path().c_str(), &status) == 0)
        bytes += static_cast<std::uint64_t>(status.st_blocks) * unit_bytes;
    }
    if (error && error != std::errc::no_such_file_or_directory) {
      throw base::system_error(error.value(), "look into", top.string());
    }
  }
  return bytes;
}

void roll_back_safety_copy(const fs::path& data_directory) {
  restore::roll_back(restore::resolved(data_directory), base::posix_file_system(), restore::removals_at_a_time);
}

void drop_safety_copy(const fs::path& data_directory) {
  restore::drop(restore::resolved(data_directory), base::posix_file_system(), restore::removals_at_a_time);
}

}  // namespace backup_engine
