#include "backup_engine/restore/in_place.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "backup_engine/base/file.hpp"
#include "backup_engine/base/is_there.hpp"
#include "backup_engine/base/mount_points.hpp"
#include "backup_engine/postgres/control_file.hpp"
#include "backup_engine/restore/roll_back.hpp"
#include "backup_engine/restore/safety_moves.hpp"

namespace backup_engine::restore {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorKind;

namespace {

// Beside it, where it can be renamed; else in it.
SafetyCopyLayout layout_for(const fs::path& to, SafetyCopyLayout wanted) {
  const auto mounts = base::mount_points_in(to);
  for (const auto& mount : mounts) {
    if (mount == to) continue;
    throw Error(
        ErrorKind::usage,
        fmt::format("{} is a mount point inside the data directory: what lies there cannot be set aside with it; "
                    "nothing was touched",
                    mount.string()))
        .with_remedy(
            "Mount it elsewhere and let a link lead to it, as PostgreSQL's initdb --waldir does; or restore "
            "into another directory; or, where no safety copy is wanted, with --delta.");
  }
  if (wanted != SafetyCopyLayout::automatic) return wanted;
  const bool may_rename = mounts.empty() && ::access(to.parent_path().c_str(), W_OK | X_OK) == 0;
  return may_rename ? SafetyCopyLayout::beside : SafetyCopyLayout::inside;
}

// A restore that was ended before its first journal was durable has left no more than this.
void require_debris(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() == next_safety_journal_name) continue;
    throw Error(ErrorKind::already_exists,
                fmt::format("{} is there and is no safety copy: it has no {}; nothing was touched", folder.string(),
                            safety_journal_name))
        .with_remedy("Look what it is, and move it away.");
  }
}

}  // namespace

InPlace::InPlace(const RestoreRequest& request, base::FileSystem& file_system)
    : request_(request), files_(file_system) {
  if (const auto folder = find_safety_folder(request.to)) go_on_from(*folder);
  if (!going_on_) begin();
}

void InPlace::go_on_from(const fs::path& folder) {
  lock_.emplace(folder);
  journal_ = read_safety_journal(folder, request_.to);
  const bool is_whole = base::is_there(request_.to / "global" / control_name);
  if (journal_.state == SafetyCopyState::setting_aside) {
    require_confirmed(journal_.system_identifier);
    if (base::is_there(request_.to)) require_no_server(request_.to);
    put_old_cluster_back(journal_, folder, files_, request_.jobs);
    journal_ = {};
    lock_.reset();
    return;
  }
  if (journal_.state == SafetyCopyState::set_aside && !is_whole) {
    require_confirmed(journal_.system_identifier);
    folder_ = folder;
    going_on_ = holds_ = true;
    return;
  }
  const bool begun = journal_.state != SafetyCopyState::set_aside;
  throw Error(ErrorKind::already_exists,
              fmt::format("{} has a safety copy already, of {} ({}){}; nothing was touched", request_.to.string(),
                          base::to_rfc3339(journal_.taken_at), folder.string(),
                          begun ? fmt::format(", and is {}", to_string(journal_.state)) : ""))
      .with_remedy(fmt::format("{}put the old cluster back with `lifeboat safety-copy roll-back --to {}`, or let it go "
                               "with `lifeboat safety-copy drop --to {}`.",
                               begun ? "End what was begun: " : "", request_.to.string(), request_.to.string()));
}

void InPlace::begin() {
  const auto& to = request_.to;
  const auto control_file = to / "global" / control_name;
  if (!base::is_there(control_file)) {
    const bool unfinished = base::is_there(to / "global" / mark_name);
    throw Error(unfinished ? ErrorKind::already_exists : ErrorKind::not_found,
                fmt::format("{} holds {}, so there is nothing to restore in place of; nothing was touched", to.string(),
                            unfinished ? "a restore that did not end" : "no cluster (no global/pg_control)"))
        .with_remedy("Restore without --in-place.");
  }
  const auto control = postgres::read_control_file(to);
  require_confirmed(control.system_identifier);
  require_no_server(to);
  journal_.layout = layout_for(to, request_.safety_copy_layout);
  journal_.data_directory = to;
  journal_.cluster = request_.cluster;
  journal_.repository = {
      fs::absolute(request_.repository.text).lexically_normal().string(),
      request_.repository.key_file.empty() ? fs::path() : fs::absolute(request_.repository.key_file)};
  journal_.system_identifier = control.system_identifier;
  journal_.timeline = control.timeline;
  folder_ = safety_folder(to, journal_.layout);
  if (base::is_there(folder_)) require_debris(folder_);
}

void InPlace::require_confirmed(std::uint64_t found) const {
  const auto& confirmed = request_.confirmed_system_identifier;
  const auto remedy = fmt::format("If that is the cluster to replace: --confirm-system-identifier {}", found);
  if (!confirmed) {
    throw Error(ErrorKind::usage,
                fmt::format("a restore in place puts another cluster in place of the one in {}, whose "
                            "system identifier is {}: that has to be confirmed; nothing was touched",
                            request_.to.string(), found))
        .with_remedy(remedy);
  }
  if (*confirmed == found) return;
  throw Error(
      ErrorKind::mismatch,
      fmt::format("the system identifier of the cluster in {} is {}, not {} as --confirm-system-identifier says; "
                  "nothing was touched",
                  request_.to.string(), found, *confirmed))
      .with_remedy("Look whether --to names the right cluster. " + remedy);
}

// Those that the restore goes to; and of them the old cluster's are set aside.
void InPlace::note_tablespaces(const Plan& plan) {
  for (const auto& planned : plan.tablespaces) {
    const bool known = std::ranges::any_of(
        journal_.tablespaces, [&](const SafetyTablespace& each) { return each.location == planned.location; });
    if (known) continue;
    SafetyTablespace tablespace{planned.link, planned.location, plan.version_directory, false, false};
    tablespace.made = !base::is_there(planned.location);
    tablespace.keeps =
        !going_on_ && plan.existing.tablespaces.contains(planned.location) && base::is_there(tablespace.in_use());
    for (const auto& place : {tablespace.aside(), tablespace.undone()}) {
      if (!base::is_there(place)) continue;
      throw Error(ErrorKind::already_exists, fmt::format("{} is there already; nothing was touched", place.string()))
          .with_remedy("It is left over from another safety copy: look whose, and move it away.");
    }
    if (!base::mount_points_in(tablespace.in_use()).empty()) {
      throw Error(ErrorKind::usage, fmt::format("{} is a mount point, or holds one, and cannot be set aside; nothing "
                                                "was touched",
                                                tablespace.in_use().string()));
    }
    journal_.tablespaces.push_back(std::move(tablespace));
  }
}

void InPlace::make_folder() {
  if (!base::is_there(folder_)) files_.create_directory(folder_, 0700);
  if (::geteuid() == 0) {
    struct stat status {};
    if (::stat(request_.to.c_str(), &status) != 0) throw base::system_error(errno, "look at", request_.to.string());
    files_.set_owner(folder_, status.st_uid, status.st_gid);
  }
  files_.sync_directory(folder_.parent_path());
  lock_.emplace(folder_);
}

void InPlace::set_aside(Plan& plan, const std::string& backup_label) {
  note_tablespaces(plan);
  journal_.backup_label = backup_label;
  if (going_on_) {
    write_safety_journal(journal_, folder_, files_);
    return;
  }
  make_folder();
  journal_.taken_at = base::utc_now();
  write_safety_journal(journal_, folder_, files_);
  try {
    SafetyMoves(journal_, folder_, files_, request_.jobs).set_aside();
    auto aside = journal_;
    aside.state = SafetyCopyState::set_aside;
    write_safety_journal(aside, folder_, files_);
    journal_ = std::move(aside);
  } catch (const std::exception&) {
    try {
      put_old_cluster_back(journal_, folder_, files_, request_.jobs);
    } catch (const std::exception&) {
      holds_ = true;  // the journal knows how far it got
    }
    throw;
  }
  holds_ = true;
  plan.existing = {};
}

Error InPlace::with_way_back(const Error& error) const {
  if (!holds_) return error;
  auto told = error;
  return told.with_remedy(
      fmt::format("{}{}The old cluster is whole, in {}. Put it back with `lifeboat safety-copy roll-back --to {}`; or "
                  "give the same "
                  "command again, and the restore goes on.",
                  error.remedy(),
                  error.remedy().empty()          ? ""
                  : error.remedy().ends_with('.') ? " "
                                                  : ". ",
                  folder_.string(), request_.to.string()));
}

}  // namespace backup_engine::restore
